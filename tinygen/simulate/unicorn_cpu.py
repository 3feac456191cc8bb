"""Runs a program on unicorn with exactly the board's flash and RAM mapped: every access beside them is a fault."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from elftools.elf.elffile import ELFFile

from ..boards import BoardProfile
from ..image import Image
from ..worker import WorkerFault, run_job
from .result import Fault
from .semihosting import Host
from .unicorn_count import BlockCounter

_PAGE = 0x1000
_SYSTEM_CONTROL = 0xE000E000
_EXCEPTIONS = {
    1: "undefined instruction", 3: "instruction fetch fault", 4: "data access fault", 17: "no coprocessor",
    18: "invalid state", 19: "stack overflow", 22: "unaligned access",
}  # fmt: skip
_MEM_WRITE = 17  # UC_MEM_WRITE


def execute(image: Image, board: BoardProfile, folder: Path, timeout_s: float) -> Fault | None:
    """Runs the program in a process of its own, in `folder`, where its request lies; the fault that ended it, if any.

    Raises MissingTool where unicorn is not installed.
    """
    regions = [
        {"name": r.name, "origin": r.origin, "size": r.size, "code": r is board.flash} for r in (board.flash, board.ram)
    ]
    request = {
        "elf": str(image.elf),
        "counter": str(image.counter or ""),
        "core": board.core,
        "folder": str(folder),
        "timeout_s": timeout_s,
        "regions": regions,
    }
    try:
        answer = run_job(
            "tinygen.simulate.unicorn_cpu:simulate_job", request, timeout_seconds=timeout_s + 20, extra="sim"
        )
    except WorkerFault as error:
        return Fault(f"the simulator ended: {error.what}")
    if not answer["fault"]:
        return None
    return Fault(str(answer["fault"]), image.function_at(int(answer["pc"])))


def simulate_job(request: dict[str, Any], _progress: Callable[[str], None]) -> dict[str, Any]:
    """The child's side: the fault and the program counter, or an empty fault where the program ended by itself."""
    machine = _Machine(request)
    fault = machine.run(float(request["timeout_s"]))
    return {"fault": fault, "pc": machine.pc}


class _Machine:
    def __init__(self, request: dict[str, Any]) -> None:
        import unicorn

        self.uc, self.registers, self.arm = new_cpu(str(request["core"]))
        self.regions = request["regions"]
        self.pc = 0
        self.interrupt: int | None = None
        self.access = ""
        flash = next((r["origin"], r["size"]) for r in self.regions if r["code"])
        self.counter = BlockCounter(self.uc, self.arm, flash, str(request["counter"]))
        self.uc.hook_add(unicorn.UC_HOOK_INTR, self._on_interrupt)
        self.uc.hook_add(unicorn.UC_HOOK_MEM_INVALID, self._on_invalid)
        with open(str(request["elf"]), "rb") as stream:
            program = ELFFile(stream)
            for region in self.regions:
                self._map(region, program)
            self._load(program)
        if self.arm:  # CCR and CPACR at start-up; a read gives 0
            self.uc.mmio_map(_SYSTEM_CONTROL, _PAGE, lambda *_: 0, None, lambda *_: None, None)
        self.host = Host(Path(request["folder"]), self._read, self._write, self._elapsed)

    def run(self, timeout_s: float) -> str:
        import unicorn

        end = time.monotonic() + timeout_s
        while True:
            left = end - time.monotonic()
            if left <= 0:
                return f"no end after {timeout_s:g} s"
            self.interrupt, self.access = None, ""
            try:
                self.uc.emu_start(self.pc | (1 if self.arm else 0), 0xFFFFFFFF, timeout=int(left * 1e6) + 1)
                problem = ""
            except unicorn.UcError as error:
                problem = str(error)
            problem = self.access or problem
            self.pc = self.uc.reg_read(self.registers["pc"]) & ~(1 if self.arm else 0)
            if not problem and self.interrupt is None:
                continue
            if self.access or not self._semihosting():
                return problem or _EXCEPTIONS.get(self.interrupt or 0, f"exception {self.interrupt}")
            if self.host.exit_code is not None:
                return "" if self.host.exit_code == 0 else f"exit code {self.host.exit_code}"

    def _semihosting(self) -> bool:
        """Serves the call at the program counter; False where there is none. RISC-V's stops unicorn as an error."""
        call = b"\xab\xbe" if self.arm else b"\x73\x00\x10\x00"
        if not any(r["code"] and 0 <= self.pc - r["origin"] < r["size"] for r in self.regions):
            return False
        if self._read(self.pc, len(call)) != call:
            return False
        operation = self.uc.reg_read(self.registers["a0"])
        if self.host.reads_request(operation):
            self.counter.stop()
        result = self.host.call(operation, self.uc.reg_read(self.registers["a1"]))
        self.uc.reg_write(self.registers["a0"], result & 0xFFFFFFFF)
        self.pc += 2 if self.arm else 4
        return True

    def _elapsed(self) -> int:
        """The count so far. Blocks are hooked from the first question on, until the next request is read."""
        self.counter.start()
        return self.counter.count

    def _on_interrupt(self, uc: Any, number: int, _data: Any) -> None:
        self.interrupt = number
        uc.emu_stop()

    def _on_invalid(self, _uc: Any, kind: int, address: int, size: int, _value: int, _data: Any) -> bool:
        import unicorn

        reads = (unicorn.UC_MEM_READ_UNMAPPED, unicorn.UC_MEM_READ_PROT)
        writes = (unicorn.UC_MEM_WRITE_UNMAPPED, unicorn.UC_MEM_WRITE_PROT)
        what = "read" if kind in reads else "write" if kind in writes else "fetch"
        self.access = f"{what} of {size} bytes at {address:#010x}, {self._place(address)}"
        return False

    def _place(self, address: int) -> str:
        for region in self.regions:
            if region["origin"] <= address < region["origin"] + region["size"]:
                return f"in {region['name']}"
            if 0 < region["origin"] - address <= 65536:
                return f"{region['origin'] - address} bytes below {region['name']}"
            past = address - region["origin"] - region["size"]
            if 0 <= past <= 65536:
                return f"{past} bytes past the end of {region['name']}"
        return "outside of the board's memory"

    def _read(self, address: int, size: int) -> bytes:
        return bytes(self.uc.mem_read(address, size))

    def _write(self, address: int, data: bytes) -> None:
        self.uc.mem_write(address, data)

    def _map(self, region: dict[str, Any], program: Any) -> None:
        """Maps whole pages inside the region; a last part of a page that the program uses gets a hook behind it."""
        import unicorn

        allowed = unicorn.UC_PROT_READ | (unicorn.UC_PROT_EXEC if region["code"] else unicorn.UC_PROT_WRITE)
        start, end = region["origin"], region["origin"] + region["size"]
        used = max(
            (s["sh_addr"] + s["sh_size"] for s in program.iter_sections() if start <= s["sh_addr"] < end), default=0
        )
        whole = end // _PAGE * _PAGE
        if used > whole:
            kinds = unicorn.UC_HOOK_MEM_READ | unicorn.UC_HOOK_MEM_WRITE
            self.uc.hook_add(kinds, self._on_tail, begin=end, end=whole + _PAGE - 1)
            whole += _PAGE
        self.uc.mem_map(start, whole - start, allowed)

    def _on_tail(self, uc: Any, kind: int, address: int, size: int, _value: int, _data: Any) -> None:
        what = "write" if kind == _MEM_WRITE else "read"
        self.access = f"{what} of {size} bytes at {address:#010x}, {self._place(address)}"
        uc.emu_stop()

    def _load(self, program: Any) -> None:
        for segment in program.iter_segments("PT_LOAD"):
            if segment["p_filesz"]:
                self._write(segment["p_paddr"], segment.data()[: segment["p_filesz"]])
        self.pc = program.header.e_entry & ~1


def new_cpu(core: str) -> tuple[Any, dict[str, int], bool]:
    import unicorn

    if core.startswith("rv32"):
        from unicorn import riscv_const as rv

        uc = unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV32)
        return uc, {"pc": rv.UC_RISCV_REG_PC, "a0": rv.UC_RISCV_REG_A0, "a1": rv.UC_RISCV_REG_A1}, False
    from unicorn import arm_const as arm

    models = {
        "cortex-m0": arm.UC_CPU_ARM_CORTEX_M0,
        "cortex-m0plus": arm.UC_CPU_ARM_CORTEX_M0,
        "cortex-m3": arm.UC_CPU_ARM_CORTEX_M3,
        "cortex-m4": arm.UC_CPU_ARM_CORTEX_M4,
        "cortex-m4f": arm.UC_CPU_ARM_CORTEX_M4,
        "cortex-m7": arm.UC_CPU_ARM_CORTEX_M7,
        "cortex-m33": arm.UC_CPU_ARM_CORTEX_M33,
    }
    # Not UC_MODE_MCLASS: it makes every core a Cortex-M33, which hides instructions that the board's core lacks.
    uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB, models[core])
    return uc, {"pc": arm.UC_ARM_REG_PC, "a0": arm.UC_ARM_REG_R0, "a1": arm.UC_ARM_REG_R1}, True
