"""Bad input at the command line: one clear line, the promised exit code, nothing half-written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from build_tflite import Node, T, build
from command_line import tinygen
from small_models import MODELS

COMMANDS = "boards build check compress demo doctor flash generate inspect quantize run simulate".split()
TOML = """schema = 1
[model]
path = "m.tflite"
[target]
boards = ["pico"]
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "dense.tflite"
    path.write_bytes(MODELS["dense"]().tflite)
    return path


def float_model() -> bytes:
    tensors = [T((1, 4), "float32", name="x"), T((1, 4), "float32", name="net/act")]
    return build(tensors, [Node("LOGISTIC", (0,), (1,))], [0], [1])


def of_schema(version: int, data: bytes) -> bytes:
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
    model.version = version
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def damaged(folder: Path, kind: str) -> Path:
    good = MODELS["conv"]().tflite
    contents = {
        "truncated": good[: len(good) // 2],
        "empty": b"",
        "text": b"not a model at all",
        "newer schema": of_schema(4, good),
        "float": float_model(),
    }
    path = folder / "bad.tflite"
    if kind == "directory":
        path.mkdir()
    elif kind != "missing":
        path.write_bytes(contents[kind])
    return path


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("truncated", ["bad.tflite", "damaged"]),
        ("empty", ["bad.tflite", "empty"]),
        ("text", ["bad.tflite", "TFL3"]),
        ("directory", ["bad.tflite", "not a file"]),
        ("missing", ["bad.tflite", "No such file"]),
        ("newer schema", ["schema version 4"]),
        ("float", ["float32"]),
    ],
)
@pytest.mark.parametrize("command", ["inspect", "generate", "check", "boards"])
def test_models_that_are_none(command: str, kind: str, words: list[str], tmp_path: Path) -> None:
    path = damaged(tmp_path, kind)
    before = sorted(tmp_path.iterdir())
    options = {
        "inspect": ["inspect", path],
        "generate": ["generate", path, "--board", "pico", "-o", tmp_path / "out"],
        "check": ["check", path, "--board", "pico"],
        "boards": ["boards", "--fits", path],
    }[command]
    tinygen(*options, "--json", "-").refused(2, *words)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("command", COMMANDS)
def test_unknown_options_are_refused_with_a_suggestion(command: str) -> None:
    tinygen(command, "--jsn", "-").refused(2, "--jsn", "--json")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["generat", "m.tflite"], ["generat", "did you mean 'generate'"]),
        (["xyzzy"], ["xyzzy", "tinygen --help"]),
        (["generate"], ["MODEL"]),
        (["generate", "dense.tflite", "--board", "pico"], ["--output"]),
        (["generate", "dense.tflite", "--board", "picco", "-o", "o"], ["picco", "did you mean 'pico'"]),
        (["generate", "dense.tflite", "--board", "./my.toml", "-o", "o"], ["my.toml"]),
        (["generate", "dense.tflite", "--board", "pico", "-o", "o", "--runtime", "tfml"], ["tfml", "'tflm'"]),
        (["generate", "dense.tflite", "--board", "pico", "-o", "o", "--project", "espid"], ["espid", "'espidf'"]),
        (["generate", "x.keras", "--board", "pico", "-o", "o", "--project", "espidf"], ["rp2040", "cmake"]),
        (["generate", "x.keras", "--board", "qemu_riscv32", "-o", "o", "--project", "arduino"], ["Arduino", "cmake"]),
        (
            ["generate", "x.keras", "--board", "pico", "-o", "o", "--project", "cmake", "--runtime", "tflm"],
            ["--runtime aot", "espidf"],
        ),
        (["generate", "dense.tflite", "--board", "pico", "-o", "o", "--optimize", "fast"], ["speed, balanced, size"]),
        (["generate", "dense.tflite", "--board", "pico", "-o", "o", "--name", "a b"], ["'a b'", "--name a_b"]),
        (["generate", "dense.tflite", "--board", "pico", "-o", "o", "--name", "while"], ["while"]),
        (["generate", "dense.tflite", "--board", "pico", "-o", "o", "--name", "string"], ["--name model_string"]),
        (["generate", "dense.tflite", "--board", "pico", "-o", "o", "--json", "no/where.json"], ["no/where.json"]),
        (["inspect", "dense.tflite", "--board", "picco"], ["did you mean 'pico'"]),
        (["check", "dense.tflite"], ["--board"]),
        (["check", "dense.tflite", "-b", "pico", "--max-ram", "12Q"], ["--max-ram", "12Q"]),
        (["check", "dense.tflite", "-b", "pico", "--max-flash", "-1"], ["--max-flash"]),
        (["check", "dense.tflite", "-b", "pico", "--max-flash", "0"], ["--max-flash"]),
        (["check", ".", "-b", "pico"], ["saved_model.pb"]),
        (["simulate", "nowhere"], ["nowhere", "tinygen generate"]),
        (["simulate", "nowhere", "--samples", "0"], ["--samples"]),
        (["simulate", "nowhere", "--samples", "many"], ["--samples"]),
        (["build", "nowhere"], ["nowhere"]),
        (["flash", "nowhere"], ["nowhere"]),
        (["boards", "picoo"], ["did you mean 'pico'"]),
        (["run", "nowhere.toml"], ["nowhere.toml"]),
        (["demo", "--board", "picco"], ["did you mean 'pico'"]),
        (["demo", "--example", "motoins"], ["no such example", "did you mean 'motions'"]),
        (["demo", "--example", "x"], ["There are digits, motions, anomaly"]),
        (["quantize", "nowhere.keras", "--data", "d.npz", "-o", "o.tflite"], ["d.npz"]),
        (["compress", "m.keras", "--data", "d.npz", "--recipe", "r.toml", "-o", "o.keras"], [".h5"]),
        (["compress", "m.keras", "--data", "d.npz", "--recipe", "r.toml", "-o", "o.h5"], ["r.toml"]),
    ],
)
def test_usage(args: list[str], words: list[str], model: Path) -> None:
    before = sorted(model.parent.iterdir())
    tinygen(*args, cwd=model.parent).refused(2, *words)
    assert sorted(model.parent.iterdir()) == before


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (TOML + "[budgett]\nram = 1\n", ["unknown key 'budgett'", "did you mean 'budget'"]),
        (TOML.replace("boards", "bords"), ["'target.bords'", "did you mean 'boards'", "missing key 'target.boards'"]),
        (TOML.replace("schema = 1", "schema = 2"), ["newer tinygen", "pip install --upgrade"]),
        (TOML + "[budget]\nflash = '12Q'\n", ["budget.flash", "12Q"]),
        ("schema = \n", ["TOML", "line 1"]),
        ("", ["missing keys"]),
    ],
)
def test_configurations(text: str, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "tinygen.toml").write_text(text)
    tinygen("run", cwd=tmp_path).refused(2, "tinygen.toml", *words)
    assert [p.name for p in tmp_path.iterdir()] == ["tinygen.toml"]


def test_outputs_that_cannot_be(model: Path, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "thesis.txt").write_text("years")
    (tmp_path / "file").write_text("x")
    for out, word in (("theirs", "not made by tinygen"), ("file", "is a file"), ("file/below", "cannot be written")):
        said = tinygen("generate", model, "--board", "pico", "-o", tmp_path / out, "--force", "--json", "-")
        said.refused(2, out, word)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["dense.tflite", "file", "theirs"]
    assert [p.read_text() for p in (tmp_path / "theirs").iterdir()] == ["years"]


def test_missing_tools_and_extras(model: Path, tmp_path: Path) -> None:
    project = tmp_path / "p"
    assert tinygen("generate", model, "--board", "pico", "-o", project, "-q").code == 0
    bare = {"PATH": str(tmp_path), "CC": ""}
    tinygen("simulate", project, "--json", "-", hide="ziglang", **bare).refused(5, "cortex-m0plus", "apt install")
    tinygen("simulate", project, "--on", "native", hide="ziglang", **bare).refused(5, "No C compiler")
    tinygen("simulate", project, hide="tflite_micro ai_edge_litert").refused(5, "tinygen[sim]")
    tinygen("simulate", project, "--on", "unicorn", hide="unicorn").refused(5, "tinygen[sim]")
    tinygen("build", project, hide="platformio", **bare).refused(5, "tinygen[flash]")
    (tmp_path / "m.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    (tmp_path / "d.npz").write_bytes(b"")
    quantize = ("quantize", tmp_path / "m.h5", "--data", tmp_path / "d.npz", "-o", tmp_path / "o.tflite")
    tinygen(*quantize).refused(2, "d.npz")
    assert not (tmp_path / "o.tflite").exists()


def test_the_training_extra(tmp_path: Path) -> None:
    (tmp_path / "m.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    np.savez(tmp_path / "d.npz", x_train=np.zeros((4, 8), np.float32))
    said = tinygen(
        "quantize", tmp_path / "m.h5", "--data", tmp_path / "d.npz", "-o", tmp_path / "o.tflite",
        hide="tensorflow tf_keras tensorflow_model_optimization h5py keras",
    )  # fmt: skip
    said.refused(5, "tinygen[train]")
    (tmp_path / "m.tflite").write_bytes(MODELS["dense"]().tflite)
    quantize = ("quantize", tmp_path / "m.tflite", "--data", tmp_path / "d.npz", "-o", tmp_path / "o.tflite")
    tinygen(*quantize).refused(2, "already converted")
    assert not (tmp_path / "o.tflite").exists()


@pytest.mark.parametrize("out", ["file", "file/below"])
def test_runs_that_have_nowhere_to_go(out: str, model: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "tinygen.toml").write_text(TOML.replace("m.tflite", model.name))
    tinygen("run", "-o", out, "--json", "-", cwd=tmp_path).refused(2, out, "cannot be written")
    tinygen("demo", "-o", out, "--json", "-", cwd=tmp_path).refused(2, "file")
    assert (tmp_path / "file").read_text() == "x"


def test_a_run_without_its_model_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "tinygen.toml").write_text(TOML)
    tinygen("run", "--json", "-", cwd=tmp_path).refused(2, "m.tflite")
    assert [p.name for p in tmp_path.iterdir()] == ["tinygen.toml"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_is_told(model: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "tinygen.cli", "inspect", str(model)],
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "standard output" in done.stderr and "No space left" in done.stderr


@pytest.mark.parametrize("damage", ["{", "[]", '{"schema": "tinygen.project/9"}', "\xff"])
def test_damaged_manifests(damage: str, model: Path, tmp_path: Path) -> None:
    project = tmp_path / "p"
    assert tinygen("generate", model, "--board", "pico", "-o", project, "-q").code == 0
    (project / "tinygen.json").write_bytes(damage.encode("latin-1"))
    for command in ("simulate", "check", "build"):
        tinygen(command, project, "--json", "-").refused(2, "tinygen.json", "damaged manifest")
    tinygen("generate", model, "--board", "pico", "-o", project).refused(2, "damaged manifest")
