"""The header's cost is the linked program's: constants and arena, byte for byte."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from small_models import MODELS

from tinygen.compiled import Model, open_model
from tinygen.pipeline import generate
from tinygen.proof import simulate_project

pytestmark = pytest.mark.needs_cross


def promised(project: Path, name: str) -> tuple[int, int]:
    """(constants, arena) bytes of the header."""
    header = (project / "lib" / name / "src" / f"{name}.h").read_text()
    found = re.search(r"constants (\d+) B.*arena (\d+) B", header, re.S)
    assert found
    assert f"_ARENA_BYTES {found[2]}\n" in header
    return int(found[1]), int(found[2])


def check(model: Model, board: str, folder: Path) -> None:
    generate(model, board, folder / "p")
    report = simulate_project(folder / "p", samples=1, compare=False)
    assert (report.weights_bytes, report.arena_bytes) == promised(folder / "p", model.name)
    assert report.static_bytes == 0 and report.state_bytes == 0


@pytest.mark.parametrize("board", ["nucleo_f446re", "esp32-c3-devkitm-1"])
@pytest.mark.parametrize("name", MODELS)
def test_small_models(name: str, board: str, tmp_path: Path) -> None:
    check(MODELS[name](), board, tmp_path)


@pytest.mark.needs_models
@pytest.mark.parametrize("name", ["ad01_int8", "hello_world_int8", "kws_ref_int8"])
def test_real_models(name: str, model_path: Callable[[str], Path], tmp_path: Path) -> None:
    check(open_model(model_path(name)), "pico", tmp_path)
