"""The clock of the application: the cycle counter of a Cortex-M where it counts, the port's microseconds where not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tinygen.resources import data_dir

pytestmark = pytest.mark.needs_cc

SOURCE = Path(__file__).resolve().parent / "app" / "cycles.c"
WARN = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
FAKE = ["-include", "stdint.h", "-DTG_REGISTER(a)=(*tg_fake_register(a))", "-include", "fake.h"]


def told(folder: Path, core: str, kind: str) -> list[str]:
    """Early reading, unit, whether it is cycles, a difference, DEMCR, DWT_CTRL; `core` is the compiler's macro."""
    app = data_dir("firmware") / "app"
    (folder / "fake.h").write_text("volatile uint32_t *tg_fake_register(uint32_t address);\n")
    command = ["cc", *WARN, *SANITIZE, *FAKE, f"-D{core}=1", "-I", str(folder), "-I", str(app)]
    subprocess.run([*command, str(SOURCE), str(app / "tg_cycles.c"), "-o", str(folder / "c")], check=True, timeout=120)
    done = subprocess.run([str(folder / "c"), kind], capture_output=True, text=True, timeout=30, check=True)
    return done.stdout.split()


@pytest.mark.parametrize(
    "core", ["__ARM_ARCH_7M__", "__ARM_ARCH_7EM__", "__ARM_ARCH_8M_MAIN__", "__ARM_ARCH_8_1M_MAIN__"]
)
def test_a_counter_that_counts_is_taken(tmp_path: Path, core: str) -> None:
    """Seven readings, a quarter of 2^32 apart; the bits that were set stay."""
    assert told(tmp_path, core, "c") == ["1010", "cycles", "1", "c0000000", "1010000", "40000401"]


def test_the_lock_of_a_cortex_m7_is_opened(tmp_path: Path) -> None:
    assert told(tmp_path, "__ARM_ARCH_7EM__", "l")[1] == "cycles"
    assert told(tmp_path, "__ARM_ARCH_7M__", "l")[1] == "us"  # a core that has none is not written to


@pytest.mark.parametrize(
    ("kind", "control"),
    [("n", "40000400"), ("s", "40000401"), ("z", "40000400")],
    ids=["no counter", "a counter that stands still", "no DWT"],
)
def test_without_a_counter_the_port_tells(tmp_path: Path, kind: str, control: str) -> None:
    assert told(tmp_path, "__ARM_ARCH_7EM__", kind) == ["1010", "us", "0", "46", "1010000", control]


def test_a_core_without_one_touches_no_register(tmp_path: Path) -> None:
    assert told(tmp_path, "__ARM_ARCH_6M__", "c") == ["1010", "us", "0", "46", "10000", "40000400"]
