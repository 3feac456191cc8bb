"""Runs a program on labwired's model of the whole chip: its flash, RAM and reset as the vendor maps them."""

from __future__ import annotations

import struct
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from elftools.elf.elffile import ELFFile

from ..boards import SimulatorSpec
from ..errors import BadInput
from ..image import Image
from ..worker import WorkerFault, run_job
from .result import Fault
from .semihosting import Host

NO_INSTRUCTIONS = "labwired does not tell how many instructions lie between two points of a program"
#: Steps between two looks into the mailbox: few while the host is asked all the time, more the longer nothing comes.
_FEWEST, _MOST = 1_000, 200_000
_MAILBOX = "tg_mailbox"
_ARM_PC = 15
#: Any duration will do: labwired turns it into as many steps as the chip's clock has ticks in it.
_NANOSECONDS_PER_STEP = 4


class _Chip(Protocol):
    """What running a program takes of labwired's two interfaces."""

    def step(self, steps: int) -> str: ...  # "" or why it stopped
    def read(self, address: int, size: int) -> bytes: ...
    def write(self, address: int, data: bytes) -> None: ...
    def pc(self) -> int: ...


def execute(image: Image, spec: SimulatorSpec, folder: Path, timeout_s: float) -> Fault | None:
    """Runs the program in a process of its own, in `folder`, where its request lies; the fault that ended it, if any.

    The program was built with a mailbox. Raises MissingTool where labwired is not installed, BadInput for a chip that
    it does not have.
    """
    request = {"elf": str(image.elf), "chip": spec.machine, "folder": str(folder), "timeout_s": timeout_s}
    try:
        answer = run_job("tinygen.simulate.labwired:simulate_job", request, timeout_seconds=timeout_s + 20, extra="sim")
    except WorkerFault as error:
        return Fault(f"the simulator ended: {error.what}")
    return Fault(str(answer["fault"]), image.function_at(int(answer["pc"]))) if answer["fault"] else None


def simulate_job(request: dict[str, Any], _progress: Callable[[str], None]) -> dict[str, Any]:
    """The child's side: the fault and the program counter, or an empty fault where the program ended by itself."""
    elf, name = str(request["elf"]), str(request["chip"])
    with open(elf, "rb") as stream:
        program = ELFFile(stream)
        symbols = program.get_section_by_name(".symtab")
        found = symbols.get_symbol_by_name(_MAILBOX) if symbols is not None else None
        if not found:
            raise BadInput(f"{elf}: built without a mailbox.")
        mailbox, entry = int(found[0]["st_value"]), int(program.header.e_entry)
        machine = str(program.header.e_machine)
    chip: _Chip = _Session(elf, name) if machine == "EM_XTENSA" else _Machine(elf, name)
    if isinstance(chip, _Machine) and machine == "EM_ARM":  # as a boot loader does, where one lies at the reset vector
        chip.machine.write_register(_ARM_PC, entry & ~1)
    host = Host(Path(str(request["folder"])), chip.read, chip.write, lambda: 0)
    return {"fault": _serve(chip, host, mailbox, float(request["timeout_s"])), "pc": chip.pc()}


class _Machine:
    """The interface that steps and writes registers."""

    def __init__(self, elf: str, chip: str) -> None:
        import labwired

        chips = Path(labwired.__file__).parent / "configs" / "chips"
        if not (chips / f"{chip}.yaml").is_file():
            raise BadInput(f"labwired has no chip {chip!r}.", f"{chips} has those of this version.")
        with tempfile.TemporaryDirectory(prefix="tinygen-") as folder:
            system = Path(folder) / "system.yaml"
            text = f'name: "{chip}"\nchip: "{chips / chip}.yaml"\nexternal_devices: []\nboard_io: []\n'
            system.write_text(text, "utf-8")
            self.machine = labwired.Machine(elf, str(system))

    def step(self, steps: int) -> str:
        kind = str(self.machine.step(steps).kind)
        return "" if kind == "max_steps_reached" else kind

    def read(self, address: int, size: int) -> bytes:
        return bytes(self.machine.read_memory(address, size))

    def write(self, address: int, data: bytes) -> None:
        if data:
            self.machine.write_memory(address, list(data))

    def pc(self) -> int:
        return int(self.machine.get_pc()) & ~1


class _Session:
    """The interface that runs bare Xtensa programs; it writes words alone."""

    def __init__(self, elf: str, chip: str) -> None:
        import labwired

        try:
            self.session = labwired.Sim(elf, chip=chip)
        except ValueError as error:
            raise BadInput(f"labwired has no chip {chip!r}: {error}.") from error

    def step(self, steps: int) -> str:
        kind = str(self.session.run_for(f"{steps * _NANOSECONDS_PER_STEP}ns").kind)
        return "" if kind == "reached" else kind

    def read(self, address: int, size: int) -> bytes:
        return bytes(self.session.read_memory(address, size)) if size else b""

    def write(self, address: int, data: bytes) -> None:
        if not data:
            return
        start, end = address & ~3, (address + len(data) + 3) & ~3
        words = bytearray(self.read(start, end - start))
        words[address - start : address - start + len(data)] = data
        for at in range(0, len(words), 4):
            self.session.write_u32(start + at, int.from_bytes(words[at : at + 4], "little"))

    def pc(self) -> int:
        return 0  # it tells none


def _serve(chip: _Chip, host: Host, mailbox: int, timeout_s: float) -> str:
    end, steps = time.monotonic() + timeout_s, _FEWEST
    while time.monotonic() < end:
        stopped = chip.step(steps)
        operation, block = struct.unpack("<2I", chip.read(mailbox, 8))
        if operation == 0:
            if stopped:
                return f"stopped: {stopped}"
            steps = min(2 * steps, _MOST)
            continue
        steps = _FEWEST
        result = host.call(operation, block)
        if host.exit_code is not None:
            return "" if host.exit_code == 0 else f"exit code {host.exit_code}"
        chip.write(mailbox + 8, struct.pack("<I", result & 0xFFFFFFFF))
        chip.write(mailbox, bytes(4))
    return f"no end after {timeout_s:g} s"
