"""Compiler flags by core for the rendered simulator platform, which has to stand without tinygen."""

from __future__ import annotations

from typing import Any

from ..boards import BoardProfile, load_board

_QUIET = ("-fno-sanitize=undefined", "-fno-unwind-tables", "-fno-unroll-loops")
_ARM_GCC = ("arm-none-eabi-gcc",)
_RISCV_GCC = ("riscv64-unknown-elf-gcc", "riscv32-unknown-elf-gcc", "riscv32-esp-elf-gcc", "riscv-none-elf-gcc")

#: gcc's -mcpu, its -mfpu ("" for none, "auto" where -mcpu says it), zig's -mcpu. The same as toolchain/compilers.py.
_ARM: dict[str, tuple[str, str, str]] = {
    "cortex-m0": ("cortex-m0", "", "cortex_m0"),
    "cortex-m0plus": ("cortex-m0plus", "", "cortex_m0plus"),
    "cortex-m3": ("cortex-m3", "", "cortex_m3"),
    "cortex-m4": ("cortex-m4", "", "cortex_m4"),
    "cortex-m4f": ("cortex-m4", "fpv4-sp-d16", "cortex_m4+vfp4d16sp"),
    "cortex-m7": ("cortex-m7", "fpv5-sp-d16", "cortex_m7+fp_armv8d16sp"),
    "cortex-m33": ("cortex-m33", "fpv5-sp-d16", "cortex_m33+fp_armv8d16sp"),
    "cortex-m55": ("cortex-m55", "auto", "cortex_m55+mve"),
}

#: The simulator's board whose QEMU machine runs a core's code.
_MACHINES = {
    "cortex-m0": "qemu_microbit",
    "cortex-m0plus": "qemu_m0plus",
    "cortex-m3": "qemu_mps2_an385",
    "cortex-m4": "qemu_mps2_an386",
    "cortex-m4f": "qemu_mps2_an386",
    "cortex-m7": "qemu_mps2_an500",
    "cortex-m33": "qemu_mps2_an505",
    "cortex-m55": "qemu_mps3_an547",
    "rv32imc": "qemu_riscv32",
}
_QEMU = ("-display", "none", "-serial", "none", "-monitor", "none", "-no-reboot")
_SEMIHOSTING = ("-semihosting-config", "enable=on,target=native")


def machine_board(board: BoardProfile) -> BoardProfile | None:
    """The board whose QEMU machine runs this board's code: itself, or the one for its core; None for Xtensa."""
    if any(spec.kind == "qemu" for spec in board.simulators):
        return board
    return load_board(_MACHINES[board.core]) if board.core in _MACHINES else None


def sim_board(board: BoardProfile, prefer: str | None = None) -> dict[str, Any]:
    """PlatformIO's description of a simulated board: its limits, compilers, flags and QEMU's machine.

    `prefer` is "gcc" or "zig". A core without a cross build here (Xtensa) gets none of them: it is built for the host.
    """
    compilers: tuple[str, ...] = _ARM_GCC
    gcc_flags: tuple[str, ...] = ()
    zig_flags: tuple[str, ...] = ()
    if board.core in _ARM:
        gcc_flags, zig_flags = _arm_flags(board.core)
    elif board.core == "rv32imc":
        compilers = _RISCV_GCC
        gcc_flags = ("-march=rv32imc", "-misa-spec=2.2", "-mabi=ilp32", "-mcmodel=medany")
        zig_flags = ("-target", "riscv32-freestanding-none", "-mcpu=generic_rv32+m+c+zicsr", *_QUIET, "-mcmodel=medany")
    else:
        compilers = ()
    return {
        "name": board.title,
        "vendor": "simulated",
        "url": "file://.",
        "build": {
            "core": board.core,
            "mcu": board.mcu,
            "f_cpu": f"{board.clock_hz}L",
            "script": "sim/platformio/link.ld",
            "prefer": prefer or "gcc",
            "gcc": list(compilers),
            "gcc_flags": list(gcc_flags),
            "zig_flags": list(zig_flags),
            "machine": _machine(board),
        },
        "upload": {"maximum_size": board.flash.size, "maximum_ram_size": board.ram.size},
    }


def _arm_flags(core: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    cpu, fpu, zig_cpu = _ARM[core]
    aligned = () if cpu in ("cortex-m0", "cortex-m0plus") else ("-mno-unaligned-access",)
    named = (f"-mfpu={fpu}",) if fpu and fpu != "auto" else ()
    abi = ("-mfloat-abi=hard", *named) if fpu else ("-mfloat-abi=soft",)
    target = "thumb-freestanding-eabihf" if fpu else "thumb-freestanding-eabi"
    zig = f"{zig_cpu}+strict_align" if aligned else zig_cpu  # zig passes over -mno-unaligned-access
    return ("-mthumb", f"-mcpu={cpu}", *abi, *aligned), ("-target", target, f"-mcpu={zig}", *_QUIET)


def _machine(board: BoardProfile) -> dict[str, Any] | None:
    """How QEMU is started, without the program."""
    found = machine_board(board)
    if found is None:
        return None
    spec = next(spec for spec in found.simulators if spec.kind == "qemu")
    riscv = board.core.startswith("rv32")
    cpu = ("-cpu", spec.cpu) if spec.cpu else ()
    return {
        "program": "qemu-system-riscv32" if riscv else "qemu-system-arm",
        "name": spec.machine,
        "arguments": ["-machine", spec.machine, *cpu, *(("-bios", "none") if riscv else ()), *_QEMU, *_SEMIHOSTING],
    }
