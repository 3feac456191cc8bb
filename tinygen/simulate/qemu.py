"""Runs a program in QEMU's system emulators, where one instruction takes a fixed time and a guest timer counts them."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from ..boards import SimulatorSpec
from ..errors import BadInput, MissingTool
from ..image import Image
from .protocol import Clock
from .result import Fault

_KINDS = {"cmsdk": 1, "nrf_timer": 2, "minstret": 3, "sse": 5}
_PACKAGES = {"qemu-system-arm": "qemu-system-arm", "qemu-system-riscv32": "qemu-system-misc"}
_PC = re.compile(r"(?:R15|\bpc)\s*=?\s*([0-9a-f]{8})", re.I)
_FEWEST_TICKS = 5


def clock(spec: SimulatorSpec) -> tuple[Clock, int]:
    """The guest clock that a board's profile names ("cmsdk@0x40000000:25000000"), and QEMU's icount shift for it.

    An instruction lasts 2**shift ns: the shortest that gives every instruction at least five ticks, so that rounding
    the ticks gives the exact count; a 32-bit clock then holds several hundred million instructions.
    """
    match = re.fullmatch(r"(\w+)(?:@(0x[0-9a-fA-F]+):(\d+))?", spec.clock)
    if match is None or match[1] not in _KINDS or (match[2] is None) != (match[1] == "minstret"):
        raise BadInput(
            f"simulators: clock {spec.clock!r}: KIND@ADDRESS:HZ with KIND of {', '.join(_KINDS)}, or minstret."
        )
    if match[1] == "minstret":
        return Clock(_KINDS["minstret"], protect=True), 0
    shift = next((s for s in range(10) if (1 << s) * int(match[3]) / 1e9 >= _FEWEST_TICKS), 10)
    return Clock(_KINDS[match[1]], int(match[2], 16), (1 << shift) * int(match[3]) / 1e9, protect=True), shift


def execute(image: Image, spec: SimulatorSpec, folder: Path, timeout_s: float) -> Fault | None:
    """Runs the program in `folder`, where its request lies; the fault that ended it, if any.

    Raises MissingTool with the package's name where QEMU is not installed.
    """
    return _watch(command_line(image, spec), image, folder, timeout_s)


def command_line(image: Image, spec: SimulatorSpec, *, serial: str = "none", monitor: str = "stdio") -> list[str]:
    """How QEMU is started; MissingTool with the package's name where it is not installed."""
    program = "qemu-system-riscv32" if image.core.startswith("rv32") else "qemu-system-arm"
    path = shutil.which(program)
    if path is None:
        raise MissingTool(f"{program} is not installed.", f"`apt install {_PACKAGES[program]}`.")
    _, shift = clock(spec)
    command = [path, "-machine", spec.machine, *(["-cpu", spec.cpu] if spec.cpu else [])]
    command += ["-bios", "none"] if program.endswith("riscv32") else []
    command += ["-kernel", str(image.elf), "-display", "none", "-serial", serial, "-monitor", monitor]
    command += ["-semihosting-config", "enable=on,target=native", "-icount", f"shift={shift},sleep=off", "-no-reboot"]
    return command


def _watch(command: list[str], image: Image, folder: Path, timeout_s: float) -> Fault | None:
    with tempfile.TemporaryFile("w+", errors="replace") as log:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, text=True
        )
        try:
            try:
                code = process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                return Fault(f"no end after {timeout_s:g} s", _where(process, image, log.fileno()))
        finally:
            process.kill()
            process.wait()
            if process.stdin is not None:
                process.stdin.close()
        if code == 0:
            return None
        log.seek(0)
        lines = [
            line.strip() for line in log.read().splitlines() if line.strip() and not line.startswith(("QEMU", "(qemu)"))
        ]
        told = next((line for line in lines if "qemu" in line.lower()), f"exit code {code}")
        pc = _PC.search("\n".join(lines))
        return Fault(told, image.function_at(int(pc[1], 16)) if pc else "")


def _where(process: subprocess.Popen[str], image: Image, log: int) -> str:
    """Asks the monitor for the registers: where a program hangs."""
    import os

    try:
        print("info registers", "quit", sep="\n", file=process.stdin, flush=True)
        process.wait(10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = _PC.search(os.pread(log, 1 << 20, 0).decode("utf-8", "replace"))
    return image.function_at(int(found[1], 16)) if found else ""
