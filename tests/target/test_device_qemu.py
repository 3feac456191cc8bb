"""QEMU's serial line as the port: the code path of a real board, on one ARM and one RISC-V machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from device_bench import Bench, Faults
from toy_model import render_toy, toy_reference

from tinygen import validation
from tinygen.boards import board_names, load_board
from tinygen.compiled import Model
from tinygen.device.session import Patience
from tinygen.errors import BadInput
from tinygen.pipeline import generate
from tinygen.simulate.qemu import command_line
from tinygen.simulate.qemu_serial import qemu_spec
from tinygen.simulate.reference import Reference
from tinygen.toolchain.build_app import build_app
from tinygen.validation import validate

pytestmark = [pytest.mark.needs_cross, pytest.mark.needs_qemu]
QUICK = ("qemu_mps2_an386", "qemu_riscv32")
MACHINES = [name for name in board_names() if any(s.serial for s in load_board(name).simulators)]


def test_every_qemu_board_has_a_serial_line() -> None:
    assert [name for name in board_names() if any(s.kind == "qemu" for s in load_board(name).simulators)] == MACHINES
    assert len(MACHINES) >= 8


@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in MACHINES])
def test_toy_on_every_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    project = toy(tmp_path, monkeypatch, name)
    report = validate(project, port="qemu", samples=4, timeout_s=60)
    assert (report.samples, report.mismatched_samples, report.resets) == (4, 0, 0)
    assert report.latency["unit"] == "instructions" and report.latency["source"] == "simulated"
    layers = [layer["latency"] for layer in report.layers]
    assert all(layers) and sum(layers) <= report.latency["max"] <= 1.5 * sum(layers) + 200
    json.dumps(report.json())


def toy(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> Path:
    """The toy's project for a board, with numpy as the reference."""

    def reference(
        model: Path, samples: Sequence[bytes], *, tensors: Sequence[int] = (), timeout_s: float = 0
    ) -> Reference:
        return Reference("numpy", np.__version__, True, tuple(r[-1] for r in toy_reference(list(samples))), {})

    sha = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    monkeypatch.setattr(validation, "reference", reference)
    board = load_board(name)
    return render_toy(folder, board, edit=lambda text: text.replace('"1", "0", "0"', f'"1", "{sha}", "0"'))


@pytest.mark.slow
@pytest.mark.needs_tflm
@pytest.mark.needs_models
@pytest.mark.parametrize("board", ["qemu_mps2_an386", "qemu_riscv32"])
def test_a_real_model(tmp_path: Path, model_path: Callable[[str], Path], board: str) -> None:
    model = Model(name="speech", tflite=model_path("micro_speech_int8").read_bytes())
    project = generate(model, board, tmp_path / "speech").written.folder
    report = validate(project, port="qemu", samples=3, timeout_s=120)
    assert (report.samples, report.mismatched_samples) == (3, 0)
    assert report.runs[0] == {"input": "ramp", "output_crc32": "1499950d"}
    assert report.reference["name"] == "tflite-micro"


def test_boards_without_a_serial_line(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no simulator here has a serial line"):
        validate(render_toy(tmp_path, load_board("pico")), port="qemu")


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_a_bad_line_to_a_simulated_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The same image behind the faults of a line: the simulator's serial line is its standard input and output."""
    board = load_board(name)
    project = toy(tmp_path, monkeypatch, name)
    spec = qemu_spec(board.simulators, name)
    command = command_line(build_app(project, board, spec, tmp_path), spec, serial="stdio", monitor="none")
    kinds = ["lost_bytes", "lost_frame", "repeated", "corrupted", "truncated", "chatter"]
    faults = [Faults(seed, kinds, share=0.2) for seed in (1, 2)]
    with Bench(command, to_device=faults[0], to_host=faults[1]) as bench:
        report = validate(project, port=bench.path, samples=8, timeout_s=60, patience=Patience(again_s=0.1))
    assert (report.samples, report.mismatched_samples) == (8, 0)
    assert report.retries > 0 and min(fault.done for fault in faults) > 5
    assert report.latency["unit"] == "ticks"
