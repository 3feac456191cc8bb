"""The built wheel, installed in a clean environment with its core dependencies alone and used there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXTRAS = ("tensorflow", "tf_keras", "keras", "tflite_micro", "sklearn", "unicorn", "ziglang", "platformio")


def run(*command: str | Path, cwd: Path, timeout: int = 120) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}
    environment["PIP_USER"] = "0"
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True, timeout=timeout
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built with the hatchling of this environment."""
    folder = tmp_path_factory.mktemp("wheel")
    done = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", folder, ROOT, cwd=folder)
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("tinygen-*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts' folder of a clean environment that has the wheel and what it depends on."""
    folder = tmp_path_factory.mktemp("clean env")
    venv.create(folder, with_pip=True)
    bin_folder = folder / ("Scripts" if os.name == "nt" else "bin")
    done = run(bin_folder / "python", "-m", "pip", "install", "-q", wheel, cwd=folder, timeout=600)
    assert done.returncode == 0, done.stderr
    return bin_folder


def tinygen(installed: Path, cwd: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return run(installed / "tinygen", *arguments, cwd=cwd)


def test_the_wheel_carries_every_file_that_it_needs_and_the_licences(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("templates", "firmware", "boards"):
        here = {
            f"tinygen/_data/{p.relative_to(ROOT).as_posix()}"
            for p in (ROOT / folder).rglob("*")
            if p.is_file() and "__pycache__" not in p.parts
        }
        assert here and here <= names
    made = {"data.npz", "teacher.keras", "__pycache__"}  # of an example that was run in the checkout
    examples = {
        f"tinygen/_data/{p.relative_to(ROOT).as_posix()}"
        for p in [ROOT / "examples" / "LICENSE", *(ROOT / "examples").glob("*/*")]
        if p.is_file() and p.name not in made
    }
    assert examples == {name for name in names if name.startswith("tinygen/_data/examples/")}
    modules = {p.relative_to(ROOT).as_posix() for p in (ROOT / "tinygen").rglob("*.py") if "_data" not in p.parts}
    assert modules <= names
    assert {"LICENSE", "firmware/LICENSE", "templates/LICENSE", "examples/LICENSE"} <= {
        n.partition("/licenses/")[2] for n in names
    }
    assert not [name for name in names if name.startswith(("tests/", "bench/", "docs/"))]


@pytest.mark.slow
def test_the_core_install_is_small(installed: Path, tmp_path: Path) -> None:
    program = (
        f"import importlib.util as u; print([n for n in {EXTRAS!r} if u.find_spec(n)], __import__('tinygen').__file__)"
    )
    done = run(installed / "python", "-c", program, cwd=tmp_path)
    assert done.stdout.startswith("[] "), done.stdout + done.stderr
    assert "site-packages" in done.stdout, "the installed tinygen is used, not the checkout's"
    assert run(installed / "python", "-m", "pip", "check", cwd=tmp_path).returncode == 0


@pytest.mark.slow
def test_version_and_boards(installed: Path, tmp_path: Path) -> None:
    version = tinygen(installed, tmp_path, "--version")
    assert (version.returncode, version.stdout.split()) == (0, ["tinygen", "0.1.0"]), version.stderr
    boards = tinygen(installed, tmp_path, "boards")
    assert boards.returncode == 0, boards.stderr
    assert all(path.stem in boards.stdout for path in (ROOT / "boards").glob("*.toml"))


@pytest.mark.slow
def test_boards_imports_no_array_library(installed: Path, tmp_path: Path) -> None:
    """What makes `tinygen boards` quick: it asks for TOML files, not for numpy, and so numpy is not imported."""
    program = (
        "import sys; sys.argv = ['tinygen', 'boards']\n"
        "from tinygen.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(sorted({'numpy', 'jinja2', 'elftools'}.intersection(sys.modules)), file=sys.stderr)"
    )
    done = run(installed / "python", "-c", program, cwd=tmp_path)
    assert done.stderr.splitlines()[-1:] == ["[]"], done.stderr


@pytest.mark.slow
@pytest.mark.needs_models
def test_a_model_becomes_a_project(installed: Path, tmp_path: Path, model_path: Callable[[str], Path]) -> None:
    model = model_path("kws_ref_int8")
    inspect = tinygen(installed, tmp_path, "inspect", model, "--json", "-")
    assert inspect.returncode == 0, inspect.stderr
    answer = json.loads(inspect.stdout)
    assert answer["schema"] == "tinygen.inspect/1" and answer["macs"] == 2_656_768
    generate = tinygen(installed, tmp_path, "generate", model, "--board", "nucleo_f446re", "-o", tmp_path / "out")
    assert generate.returncode == 0, generate.stderr
    manifest = json.loads((tmp_path / "out" / "tinygen.json").read_text())
    assert manifest["board"] == "nucleo_f446re"
    assert all((tmp_path / "out" / name).is_file() for name in manifest["files"])
    check = tinygen(installed, tmp_path, "check", model, "--board", "nucleo_f446re", "--json", "-")
    assert json.loads(check.stdout)["fits"] is True, check.stderr


@pytest.mark.slow
def test_what_needs_an_extra_says_how_to_get_it(installed: Path, tmp_path: Path) -> None:
    for example, extra in (("digits", "demo"), ("motions", "examples"), ("anomaly", "examples")):
        done = tinygen(installed, tmp_path, "demo", "--example", example, "-o", tmp_path / "demo")
        assert done.returncode == 5, done.stdout + done.stderr
        assert f"pip install 'tinygen[{extra},train,sim]'" in done.stderr and "Traceback" not in done.stderr
        assert not (tmp_path / "demo").exists()
