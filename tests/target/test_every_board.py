"""The project of every board runs in a simulator of its core, on its own memory map, with the reference's bits."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import pytest
from small_models import conv

from tinygen.boards import board_names, load_board
from tinygen.pipeline import render_project
from tinygen.simulate.inputs import generated
from tinygen.simulate.reference import reference
from tinygen.simulate.run import choose, run_image
from tinygen.toolchain.build import build_host, build_image
from tinygen.writing import write_project

pytestmark = [pytest.mark.needs_cross, pytest.mark.needs_cc, pytest.mark.needs_tflm, pytest.mark.needs_qemu]
NATIVE = {name for name in board_names() if load_board(name).core.startswith("xtensa")}


@cache
def expected(samples: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """What the reference gives; the model is the same for every board."""
    with tempfile.TemporaryDirectory(prefix="tinygen-") as folder:
        model = Path(folder) / "conv.tflite"
        model.write_bytes(conv().tflite)
        return reference(model, list(samples), timeout_s=60).outputs


@pytest.mark.parametrize("name", board_names())
def test_the_project_of_every_board_runs(name: str, tmp_path: Path) -> None:
    board, project = load_board(name), tmp_path / "project"
    files, manifest = render_project(conv(), name)
    write_project(files, manifest, project)
    simulator = choose(board, None)
    assert (simulator == "native") == (name in NATIVE)
    native = simulator == "native"
    image = build_host(project, tmp_path / "build") if native else build_image(project, board, tmp_path / "build")
    samples = tuple(generated(manifest.model.inputs, i) for i in range(3))
    run = run_image(image, board, samples, simulator=simulator, timeout_s=60)
    assert run.fault is None
    assert run.outputs == expected(samples)


def test_only_cores_without_a_simulator_run_on_the_host() -> None:
    assert len(NATIVE) < len(board_names()) / 4
