"""tinygen.toml: what is accepted, and that every mistake is named in one line before anything runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tinygen.config import load_config, load_recipe
from tinygen.errors import BadInput

WHOLE = """
schema = 1
[model]
path = "m.keras"
labels = ["idle", "wave"]
[data]
file = "d.npz"
[input]
mean = [0.5]
std = [9.81, 2.0]
[train]
seed = 5
epochs = 3
[[compress]]
technique = "prune"
sparsity = 0.6
[[compress]]
technique = "distill"
epochs = 9
student = "s.h5"
[target]
boards = ["nucleo_f446re", "mine.toml"]
[budget]
flash = "128K"
ram = "1.5 MiB"
latency = "50ms"
accuracy_drop = 0.01
[app]
source = "function"
threshold = 0.8
smoothing = {n = 3, m = 5}
refractory = 10
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "tinygen.toml"
    path.write_text(text, "utf-8")
    return path


def refusal(tmp_path: Path, text: str) -> str:
    with pytest.raises(BadInput) as caught:
        load_config(write(tmp_path, text))
    assert "\n" not in caught.value.line
    return caught.value.line


def test_whole_file(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, WHOLE))
    assert config.model.path == tmp_path / "m.keras" and config.model.name == "m"
    assert config.data is not None and config.data.file == tmp_path / "d.npz"
    assert (config.budget.flash, config.budget.ram, config.budget.latency) == (131072, 1572864, 50000.0)
    assert config.target.boards == ("nucleo_f446re", str(tmp_path / "mine.toml"))
    app = config.app
    assert (app.source, app.threshold, app.refractory, app.vectors) == ("function", 0.8, 10, None)
    assert app.smoothing is not None and (app.smoothing.n, app.smoothing.m) == (3, 5)
    prune, distill = config.compress
    assert (prune.technique, prune.options.epochs) == ("prune", 3), "[train] gives the default"  # type: ignore[attr-defined]
    assert distill.options.epochs == 9, "the step's own key wins"  # type: ignore[attr-defined]
    assert distill.options.model_files() == {"student": str(tmp_path / "s.h5")}


def test_student_kinds_are_not_paths(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, WHOLE.replace('"s.h5"', '"dense"')))
    assert config.compress[1].options.model_files() == {}
    assert config.compress[1].options.student == "dense"  # type: ignore[attr-defined]


def test_missing_keys_are_listed_together(tmp_path: Path) -> None:
    line = refusal(tmp_path, "[model]\nname = 'x'\n[target]\n")
    assert "missing keys 'schema', 'model.path', 'target.boards'" in line


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[budget]", "[buget]", "unknown key 'buget', did you mean 'budget'?"),
        ("flash =", "flahs =", "unknown key 'budget.flahs', did you mean 'flash'?"),
        ("sparsity =", "sparsty =", "unknown key 'compress.0.sparsty', did you mean 'sparsity'?"),
        ('"prune"', '"pruen"', "compress.0: unknown technique 'pruen', did you mean 'prune'?"),
        ("sparsity = 0.6", "sparsity = 1.0", "compress.0.sparsity: Input should be less than 1"),
        ('technique = "prune"', "", "missing key 'compress.0.technique'"),
        ('"128K"', '"128Q"', "budget.flash: '128Q' is not a size"),
        ('"128K"', "0", "budget.flash: 0 is not a whole number of bytes above 0"),
        ('"128K"', "true", "budget.flash: True is not a size"),
        ('"50ms"', "50", "budget.latency: 50 is not a time"),
        ("[9.81, 2.0]", "[0.0]", "input.std: 0 cannot be divided by"),
        ("[9.81, 2.0]", "[nan]", "input.std.0: Input should be a finite number"),
        ("[0.5]", "[0.5, 1, 2]", "input: mean has 3 values, std has 2"),
        ("schema = 1", "schema = 2", "schema 2 is of a newer tinygen"),
        ("schema = 1", "schema = 0", "schema: Input should be 1"),
        ('[data]\nfile = "d.npz"', "", "missing key 'data.file', which [[compress]] needs"),
        ("[[compress]]\ntechnique", "[compress]\ntechnique", "not a readable TOML file"),
        ('"function"', '"serail"', "app.source: Input should be 'serial', 'vectors' or 'function'"),
        ("threshold = 0.8", "threshold = nan", "app.threshold: Input should be a finite number"),
        ("n = 3, m = 5", "n = 6, m = 5", "app.smoothing: 6 of 5 inferences cannot agree"),
        ("n = 3, m = 5", "n = 3, m = 33", "app.smoothing.m: Input should be less than or equal to 32"),
        ("n = 3, m = 5", "n = 3", "missing key 'app.smoothing.m'"),
        ("n = 3, m = 5", "n = 3, m = 5, k = 1", "unknown key 'app.smoothing.k'"),
        ("refractory = 10", "refractory = -1", "app.refractory: Input should be greater than or equal to 0"),
        ("refractory = 10", "vectors = 65", "app.vectors: Input should be less than or equal to 64"),
        ("refractory =", "refactory =", "unknown key 'app.refactory', did you mean 'refractory'?"),
        ('boards = ["nucleo_f446re", "mine.toml"]', "boards = []", "target.boards: Tuple should have at least 1 item"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in WHOLE
    assert told in refusal(tmp_path, WHOLE.replace(old, new, 1))


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    text = WHOLE.replace("flash =", "flahs =").replace('"prune"', '"pruen"').replace("path =", "pth =")
    line = refusal(tmp_path, text)
    assert "flahs" in line and "pruen" in line and "missing key 'model.path'" in line and "pth" in line


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a = ", b"= 1"])
def test_not_toml(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t.toml"
    path.write_bytes(content)
    with pytest.raises(BadInput, match="not a readable TOML file"):
        load_config(path)


def test_absent_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file"):
        load_config(tmp_path / "none.toml")


def test_recipe(tmp_path: Path) -> None:
    path = write(tmp_path, '[train]\nepochs = 2\n[[compress]]\ntechnique = "prune"\nsparsity = 0.5\n')
    [step] = load_recipe(path)
    assert step.options.epochs == 2  # type: ignore[attr-defined]
    with pytest.raises(BadInput, match="unknown key 'target'"):
        load_recipe(write(tmp_path, WHOLE))
    with pytest.raises(BadInput, match=r"no \[\[compress\]\] table"):
        load_recipe(write(tmp_path, ""))


def test_reading_a_configuration_imports_no_tensorflow(tmp_path: Path) -> None:
    code = (
        "import sys; from tinygen.config import load_config; load_config(sys.argv[1]); "
        "sys.exit(any(m.partition('.')[0] in ('tensorflow', 'keras', 'tf_keras', 'h5py') for m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(write(tmp_path, WHOLE))], timeout=60, check=False)
    assert done.returncode == 0
