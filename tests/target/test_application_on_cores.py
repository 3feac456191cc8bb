"""The application on every simulated core: it tests itself and answers; its clock is safe where nothing counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from small_models import MODELS

from tinygen.application import Application, AppSection
from tinygen.backends.application import APP_FILES
from tinygen.boards import load_board
from tinygen.pipeline import generate, render_project
from tinygen.project import read_manifest
from tinygen.simulate import qemu
from tinygen.simulate.inputs import generated
from tinygen.simulate.reference import reference
from tinygen.toolchain.build import build_image
from tinygen.toolchain.elf import functions

pytestmark = [pytest.mark.needs_cross, pytest.mark.needs_qemu, pytest.mark.needs_tflm]

HERE = Path(__file__).resolve().parent
#: QEMU's Cortex-M have no cycle counter: its DWT reads as zero. Its mcycle counts.
UNITS = {
    "qemu_microbit": "us",
    "qemu_mps2_an385": "us",
    "qemu_mps2_an386": "us",
    "qemu_mps2_an500": "us",
    "qemu_mps2_an505": "us",
    "qemu_mps3_an547": "us",
    "qemu_riscv32": "cycles",
}


def on_core(board: str, folder: Path) -> list[str]:
    """What the application says on the core, asked for one input: the ramp."""
    model = replace(MODELS["conv"](), name="toy")
    generate(model, board, folder / "p")
    app, _ = render_project(model, "pico", app=Application(AppSection(source="vectors")))
    sim, ramp = folder / "p" / "sim", generated(read_manifest(folder / "p").model.inputs, 0).hex()
    for name in (*APP_FILES, "tg_app_data.h", "tg_app_data.c"):
        (sim / name).write_bytes(app[f"src/{name}"])
    source = (HERE / "app_on_core.c").read_text().replace(" = LINE", f' = "{ramp}\\n"')
    (sim / "harness.c").write_text(source)
    profile = load_board(board)
    image = build_image(folder / "p", profile, folder / "build", "gcc", trace=True)
    assert not {"malloc", "free", "_sbrk"} & {f.name for f in functions(image.elf)}
    spec = next(s for s in profile.simulators if s.kind == "qemu")
    fault = qemu.execute(image, spec, folder, 60)
    said = (folder / "said.txt").read_text()
    assert fault is None, said
    return said.splitlines()[1:]


@pytest.mark.parametrize("board", UNITS)
def test_the_application_runs_on_the_core(board: str, tmp_path: Path) -> None:
    lines = on_core(board, tmp_path)
    ran = [r.index for r in read_manifest(tmp_path / "p").plan.layers if r.kernel != "view"]
    unit = UNITS[board]
    assert "self-test: PASS (3 vectors)" in lines
    layers = [line.split() for line in lines if line.startswith("layer ")]
    assert [int(words[1].rstrip(":")) for words in layers] == ran and {words[3] for words in layers} == {unit}
    path = model_of(tmp_path)
    want = reference(path, [generated(read_manifest(tmp_path / "p").model.inputs, 0)]).outputs[0]
    signed = [str(v - 256 if v > 127 else v) for v in want]
    assert f"output 0: {' '.join(signed)}" in lines
    short, long, told = lines[-1].removeprefix("spin: ").split()
    assert told == unit
    if unit == "cycles":  # two instructions a round
        assert 2000 <= int(short) < 2200 and 4000 <= int(long) < 4200
        assert sum(int(words[2]) for words in layers) > 10_000


def model_of(folder: Path) -> Path:
    return folder / "p" / read_manifest(folder / "p").model.file
