"""Starts a MicroPython firmware: in the QEMU machine that its ELF was built for, or as a program of this one."""

from __future__ import annotations

import shutil
from pathlib import Path

from ..errors import BadInput, MissingTool

#: The machines of MicroPython's ports/qemu by the ELF's Tag_CPU_arch: v7, v6-M, v6S-M, v7E-M, v8.1-M.mainline.
_ARM = {10: "mps2-an385", 11: "microbit", 12: "microbit", 13: "mps2-an500", 21: "mps3-an547"}
_RISCV = "virt"
_EM_ARM, _EM_RISCV = 40, 243
_PROGRAMS = {
    _EM_ARM: ("qemu-system-arm", ("-semihosting",)),
    _EM_RISCV: ("qemu-system-riscv32", ("-bios", "none", "-semihosting")),
}
#: With -icount a character on the serial line takes QEMU half the time.
_COMMON = (
    "-icount",
    "shift=0,sleep=off",
    "-display",
    "none",
    "-monitor",
    "none",
    "-serial",
    "stdio",
    "-no-reboot",
    "-kernel",
)


def machine_command(firmware: Path, machine: str = "") -> list[str]:
    """The command that runs an ELF for another machine, the REPL on its standard input and output; [] for a program of
    this one. BadInput where the file cannot be read or no machine is known, MissingTool without QEMU."""
    try:
        with firmware.open("rb") as stream:
            head = stream.read(20)
    except OSError as error:
        raise BadInput(f"{firmware}: cannot be read: {error.strerror}.") from None
    kind = int.from_bytes(head[18:20], "little") if head[:4] == b"\x7fELF" and head[5:6] == b"\1" else 0
    if kind not in _PROGRAMS:
        return []
    program, options = _PROGRAMS[kind]
    machine = machine or (_RISCV if kind == _EM_RISCV else _arm_machine(firmware))
    path = shutil.which(program)
    if path is None:
        raise MissingTool(f"{program} is not installed.", "`tinygen doctor` lists the tools.")
    return [path, "-machine", machine, *options, *_COMMON, str(firmware)]


def _arm_machine(firmware: Path) -> str:
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    found: list[int] = []
    try:
        with firmware.open("rb") as stream:
            section = ELFFile(stream).get_section_by_name(".ARM.attributes")
            if section is not None:
                groups = (g for part in section.iter_subsections() for g in part.iter_subsubsections())
                found = [int(a.value) for g in groups for a in g.iter_attributes("TAG_CPU_ARCH")]
    except (ELFError, OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise BadInput(f"{firmware}: the ELF is damaged: {error}.") from None
    machines = [_ARM[number] for number in found if number in _ARM]
    if not machines:
        raise BadInput(
            f"{firmware}: QEMU has no known machine for this ELF's core.", "One of MicroPython's ports/qemu runs here."
        )
    return machines[0]
