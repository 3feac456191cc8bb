"""labwired's whole chips compute the reference's bits, and report what goes wrong in the firmware."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from toy_model import Render, toy_reference

from tinygen.boards import board_names, load_board
from tinygen.compiled import open_model
from tinygen.errors import BadInput
from tinygen.pipeline import render_project
from tinygen.proof import STAND_IN, simulate_project
from tinygen.simulate.inputs import generated
from tinygen.simulate.reference import reference
from tinygen.simulate.run import choose, run_image, simulators
from tinygen.toolchain.build import build_image
from tinygen.writing import write_project

pytestmark = [pytest.mark.needs_cross, pytest.mark.needs_labwired]
BOARDS = [name for name in board_names() if any(s.kind == "labwired" for s in load_board(name).simulators)]
SAMPLES = [bytes((37 * i + 11 * k) % 256 for i in range(16)) for k in range(3)]
#: A chip of every maker and core that has the memory; the largest model that is not slow there, and one Xtensa of two.
WITH_KWS = "pico rpipico2 disco_f407vg nucleo_h563zi esp32-c3-devkitm-1 esp32dev".split()


def test_every_maker_is_there() -> None:
    assert set(WITH_KWS) < set(BOARDS)


@pytest.mark.slow
@pytest.mark.parametrize("name", BOARDS)
def test_every_chip_computes_every_layer(name: str, toy_project: Render, tmp_path: Path) -> None:
    board = load_board(name)
    image = build_image(toy_project(board), board, tmp_path / "traced", trace=True, mailbox=True)
    expected = toy_reference(SAMPLES)
    run = run_image(image, board, SAMPLES, simulator="labwired", trace=True, keep_data=True, timeout_s=100)
    assert run.fault is None
    assert [event.data for event in run.layers] == expected[-1]
    assert run.instructions is None and "labwired" in run.instructions_reason


@pytest.mark.slow
@pytest.mark.needs_models
@pytest.mark.needs_tflm
@pytest.mark.parametrize("name", WITH_KWS)
def test_keyword_spotting_has_the_same_bits(name: str, model_path: Callable[[str], Path], tmp_path: Path) -> None:
    files, manifest = render_project(open_model(model_path("kws_ref_int8")), name)
    write_project(files, manifest, tmp_path / "project")
    board = load_board(name)
    image = build_image(tmp_path / "project", board, tmp_path / "build", mailbox=True)
    samples = [generated(manifest.model.inputs, 1)]  # the ramp saturates this model
    run = run_image(image, board, samples, simulator="labwired", timeout_s=280)
    assert run.fault is None
    assert run.outputs == reference(tmp_path / "project" / manifest.model.file, samples, timeout_s=60).outputs


def test_it_is_never_the_default() -> None:
    for name in BOARDS:
        board = load_board(name)
        assert choose(board, None) == ("native" if board.core.startswith("xtensa") else "unicorn")
        assert simulators(board)[-1] == "labwired"


@pytest.mark.needs_models
@pytest.mark.needs_tflm
def test_a_stand_in_s_sizes_are_not_the_board_s(model_path: Callable[[str], Path], tmp_path: Path) -> None:
    files, manifest = render_project(open_model(model_path("hello_world_int8")), "esp32dev")
    write_project(files, manifest, tmp_path / "project")
    report = simulate_project(tmp_path / "project", samples=2, on="labwired")
    assert report.mismatched_samples == 0 and report.compiler == "xtensa-lx106-elf-gcc"
    assert report.flash_bytes is report.ram_bytes is report.stack_bytes is report.instructions_per_inference is None
    assert report.reasons["flash_bytes"] == report.reasons["stack_bytes"] == STAND_IN


@pytest.mark.parametrize("name", ["pico", "disco_f407vg", "esp32-c3-devkitm-1"])
def test_a_program_without_an_end_is_stopped(name: str, toy_project: Render, tmp_path: Path) -> None:
    board = load_board(name)
    image = build_image(toy_project(board, trouble="for (;;) { }"), board, tmp_path, mailbox=True)
    run = run_image(image, board, SAMPLES[:1], simulator="labwired", timeout_s=3)
    assert run.fault is not None and "no end" in run.fault.what and run.outputs == ()


@pytest.mark.parametrize("name", ["pico", "disco_f407vg", "esp32-c3-devkitm-1", "esp32dev"])
def test_a_call_that_fails_is_told(name: str, toy_project: Render, tmp_path: Path) -> None:
    board = load_board(name)
    image = build_image(toy_project(board, trouble="return TG_ERROR;"), board, tmp_path, mailbox=True)
    run = run_image(image, board, SAMPLES[:1], simulator="labwired", timeout_s=60)
    assert run.fault is not None and "returned" in run.fault.what


def test_a_chip_that_it_lacks_is_bad_input(toy_project: Render, tmp_path: Path) -> None:
    board = load_board("pico")
    image = build_image(toy_project(board), board, tmp_path, mailbox=True)
    spec = next(s for s in board.simulators if s.kind == "labwired").model_copy(update={"machine": "rp2999"})
    with pytest.raises(BadInput, match="rp2999"):
        run_image(image, board.model_copy(update={"simulators": (spec,)}), SAMPLES[:1], simulator="labwired")
