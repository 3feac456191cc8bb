"""The whole text rendered for three tiny models, byte for byte; --update-golden renews it, the diff is reviewed."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_models import MODELS

from tinygen.application import Application, AppSection, Smoothing
from tinygen.backends.sim_support import sim_files
from tinygen.boards import load_board
from tinygen.pipeline import render_project
from tinygen.resources import data_dir

#: The reference's outputs are there where it is installed.
REFERENCE = "test/test_model/vectors.json"
HERE = Path(__file__).resolve().parent
BOARD = "nucleo_f446re"
#: One model has the application on a stream, the others the one on a serial line.
APPS = {
    "conv": Application(
        AppSection(source="function", threshold=0.8, smoothing=Smoothing(n=3, m=5), refractory=10), window=8, stride=2
    )
}


def rendered(name: str) -> dict[str, bytes]:
    """What templates print for the model: the project's files less the copies of firmware/ and the model itself."""
    files, _ = render_project(MODELS[name](), BOARD, app=APPS.get(name))
    copies = {path.read_bytes() for path in data_dir("firmware").rglob("*") if path.is_file()}
    copies.add((data_dir("templates") / "LICENSE").read_bytes())
    return {
        path: data
        for path, data in files.items()
        if data not in copies and path not in ("board.toml", f"model/{name}.tflite", REFERENCE)
    }


def golden(name: str) -> dict[str, bytes]:
    """What is kept for the model."""
    folder = HERE / name
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("name", MODELS)
def test_rendered_text_is_the_golden_text(name: str, update_golden: bool) -> None:
    files = rendered(name)
    if update_golden:
        for path in golden(name).keys() - files.keys():
            (HERE / name / path).unlink()
        for path, data in files.items():
            (HERE / name / path).parent.mkdir(parents=True, exist_ok=True)
            (HERE / name / path).write_bytes(data)
    kept = golden(name)
    assert sorted(files) == sorted(kept)
    for path, data in files.items():
        assert data.decode() == kept[path].decode(), f"{name}/{path}: `pytest --update-golden` renews it"


@pytest.mark.parametrize("name", MODELS)
def test_the_same_model_gives_the_same_bytes(name: str) -> None:
    assert rendered(name) == rendered(name)


@pytest.mark.parametrize("name", MODELS)
def test_generated_text_is_plain(name: str) -> None:
    """ASCII in C, no line longer than 120 but strings of names, no space at a line's end, no machine's path."""
    for path, data in rendered(name).items():
        text = data.decode()
        assert "\r" not in text and "\t" not in text and "\n\n\n" not in text and text.endswith("\n"), path
        assert str(Path.home()) not in text and str(HERE.parent.parent) not in text, path
        for line in text.splitlines():
            assert line == line.rstrip(), (path, line)
            if path.endswith((".c", ".h")):
                assert line.isascii() and (len(line) <= 120 or '"' in line), (path, line)


def test_hostile_names_stay_inside_the_project() -> None:
    files, manifest = render_project(MODELS["hostile"](), BOARD)
    assert all(".." not in path and path.isascii() and not path.startswith("/") for path in files)
    names = [layer.name for layer in manifest.plan.layers]
    assert len(set(names)) == len(names)
    header = files["lib/hostile/src/hostile.h"].decode()
    assert header.count("/*") == header.count("*/")


@pytest.mark.parametrize("board", ["esp32-c3-devkitm-1", "pico"])
def test_simulation_files_are_of_the_board(board: str) -> None:
    profile = load_board(board)
    assert f"{profile.ram.size}" in sim_files(profile, "dense")["link.ld"]
