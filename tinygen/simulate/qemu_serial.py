"""QEMU as a board on a serial port: its first serial line is a pseudo-terminal, which is opened as any port is."""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..boards import SimulatorSpec
from ..errors import BadInput, TinygenError
from ..image import Image
from .qemu import command_line

_PATH = re.compile(r"char device redirected to (/dev/\S+)")
_START_S = 20.0


@contextmanager
def qemu_serial(image: Image, spec: SimulatorSpec, folder: Path) -> Iterator[str]:
    """Runs the program in `folder` as long as the context lasts; the path of its serial line.

    Raises MissingTool where QEMU is not installed, TinygenError where it does not start.
    """
    command = command_line(image, spec, serial="pty", monitor="none")
    with tempfile.TemporaryFile("w+", errors="replace") as log:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, text=True
        )
        try:
            yield _path(process, log.fileno())
        finally:
            process.kill()
            process.wait()


def qemu_spec(simulators: tuple[SimulatorSpec, ...], board: str) -> SimulatorSpec:
    """The simulator of a board that has a serial line; BadInput where none has."""
    found = next((s for s in simulators if s.kind == "qemu" and s.serial), None)
    if found is None:
        raise BadInput(
            f"{board}: no simulator here has a serial line.",
            "A board named qemu_… has one, a real one a port.",
        )
    return found


def _path(process: subprocess.Popen[str], log: int) -> str:
    import os

    end = time.monotonic() + _START_S
    while time.monotonic() < end:
        said = os.pread(log, 1 << 16, 0).decode("utf-8", "replace")
        found = _PATH.search(said)
        if found:
            return found[1]
        if process.poll() is not None:
            break
        time.sleep(0.02)
    last = next((line for line in reversed(said.splitlines()) if line.strip()), "it says nothing")
    raise TinygenError(f"QEMU does not open a serial line: {last[:200]}")
