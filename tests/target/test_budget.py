"""Planned sizes hold: never below what is linked and measured, and above it by little; for every back end's board."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tinygen.boards import load_board
from tinygen.checking import linked_budget, planned_budget
from tinygen.compiled import compile_model, open_model
from tinygen.pipeline import generate

MODELS = ("kws_ref_int8", "vww_96_int8", "ic_resnet8_int8", "ad01_int8", "micro_speech_int8", "hello_world_int8")
BOARDS = ("nucleo_f446re", "esp32-c3-devkitm-1", "pico")


@pytest.mark.needs_models
@pytest.mark.needs_cross
@pytest.mark.slow
@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("name", MODELS)
def test_planned_is_linked_and_a_little_more(
    name: str, board: str, model_path: Callable[[str], Path], tmp_path: Path
) -> None:
    model = open_model(model_path(f"{name}.tflite"))
    planned = planned_budget(compile_model(model, load_board(board)))
    generate(model, board, tmp_path / "p")
    linked = linked_budget(tmp_path / "p")
    flash, ram = planned.flash.used_bytes - linked.flash.used_bytes, planned.ram.used_bytes - linked.ram.used_bytes
    assert 0 <= flash <= max(1024, linked.flash.used_bytes // 20), (planned.flash, linked.flash)
    assert 0 <= ram <= 256, (planned.ram, linked.ram)
    assert planned.flash.parts["weights"] == linked.flash.parts["weights"]
    assert planned.ram.parts["arena"] == linked.ram.parts["arena"]
    assert linked.ram.parts["static"] == 0
