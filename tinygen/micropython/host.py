"""Runs a module in the MicroPython of this machine, in a process of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..backends.templating import render
from ..errors import OutputsDiffer
from ..processes import run
from .programs import find_program

#: What MicroPython's heap has here; its default of two megabytes is less than some boards have.
_HEAP = "64M"


@dataclass(frozen=True)
class HostRun:
    """The outputs, a sample each; `heap_bytes` is what the import took on this machine, whose words have 64 bits."""

    outputs: tuple[bytes, ...]
    interpreter: str
    heap_bytes: int


def run_on_host(
    files: dict[str, bytes], name: str, samples: Sequence[bytes], output_bytes: int, *, timeout_s: float
) -> HostRun:
    """Imports `_<name>` from `files` (by name, .py or .mpy) and runs every sample in order.

    Raises MissingTool without MicroPython, OutputsDiffer where the module raises, crashes or does not end.
    """
    program = find_program("micropython")
    with tempfile.TemporaryDirectory(prefix="tinygen-") as work:
        folder = Path(work)
        for path, content in files.items():
            (folder / path).write_bytes(content)
        (folder / "samples.bin").write_bytes(b"".join(samples))
        (folder / "run.py").write_text(render("micropython/run.py.j2", model=name), encoding="utf-8")
        done = run([program, "-X", f"heapsize={_HEAP}", "run.py"], timeout_s=timeout_s, cwd=folder)
        written = folder / "outputs.bin"
        found = written.read_bytes() if written.is_file() else b""
    what = f"{name} in MicroPython on this machine"
    if done.code is None:
        raise OutputsDiffer(f"{what}: no end after {timeout_s:g} s.")
    if done.code != 0 or len(found) != output_bytes * len(samples):
        said = (done.stderr or done.stdout).strip().splitlines()
        raise OutputsDiffer(f"{what}: {said[-1][:200] if said else f'it ended with code {done.code}'}.")
    outputs = tuple(found[i * output_bytes : (i + 1) * output_bytes] for i in range(len(samples)))
    *interpreter, heap = done.stdout.split()
    return HostRun(outputs, " ".join(interpreter), int(heap))
