"""The application's clock on whole simulated chips, whose cycle counters count (DWT_CYCCNT)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tinygen.resources import data_dir
from tinygen.toolchain.compilers import find_toolchain

pytestmark = [pytest.mark.needs_labwired, pytest.mark.needs_cross]

HERE = Path(__file__).resolve().parent
#: chip of labwired's: (core, whether it has a cycle counter)
CHIPS = {
    "stm32f103": ("cortex-m3", True),
    "stm32f407": ("cortex-m4f", True),
    "stm32f746": ("cortex-m7", True),
    "stm32h563": ("cortex-m33", True),
    "stm32g071": ("cortex-m0plus", False),
}


def told(chip: str, core: str, folder: Path) -> tuple[int, int, int, int]:
    from labwired import Sim

    tools = find_toolchain(core)
    sources = [str(HERE / "cycles_on_chip.c"), str(data_dir("firmware") / "app" / "tg_cycles.c")]
    flags = ["-std=c99", "-O2", "-ffreestanding", "-nostdlib", "-static", "-I", str(data_dir("firmware") / "app")]
    flags += [f"-Wl,-T,{HERE / 'cycles_on_chip.ld'}", "-o", str(folder / "p.elf")]
    subprocess.run([*tools.command, *tools.target_flags, *flags, *sources], check=True, timeout=120)
    with Sim(folder / "p.elf", chip=chip) as sim:
        sim.run_for("5ms")
        at = sim.symbol("told")
        words = [sim.read_u32(at + 4 * i) for i in range(4)]
    return words[0], words[1], words[2], words[3]


@pytest.mark.parametrize("chip", CHIPS)
def test_the_clock_counts_on_the_chip(chip: str, tmp_path: Path) -> None:
    core, counts = CHIPS[chip]
    done, cycles, short, long = told(chip, core, tmp_path)
    assert done == 0x600D and bool(cycles) is counts
    if counts:  # two instructions a round, each one cycle there
        assert 2000 <= short < 2050 and 4000 <= long < 4050
    else:
        assert (short, long) == (7, 7)
