"""Runs a program of the host: bits alone, with what the sanitizers say where the build has them."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

from ..image import Image
from ..processes import run
from .result import Fault

_FRAME = re.compile(r"#\d+ 0x[0-9a-f]+ in (\w+)")
_SANITIZER = re.compile(
    r"(?:ERROR: (AddressSanitizer: [^\n(]*?)(?: on address| \(|\n))|(?:(\w+\.[ch]:\d+)[:\d]*: (runtime error: [^\n]*))"
)


def execute(image: Image, folder: Path, timeout_s: float) -> Fault | None:
    """Runs the program in `folder`, where its request lies; the fault that ended it, if any."""
    options = {"ASAN_OPTIONS": "detect_leaks=0:abort_on_error=0", "UBSAN_OPTIONS": "print_stacktrace=1"}
    done = run([str(image.elf)], timeout_s=timeout_s, cwd=folder, env={**os.environ, **options})
    if done.code == 0:
        return None
    if done.code is None:
        return Fault(f"no end after {timeout_s:g} s")
    found = _SANITIZER.search(done.stderr)
    frame = next((f for f in _FRAME.findall(done.stderr) if not f.startswith("__")), "")
    if found:
        address, place, undefined = found.groups()
        return Fault(address.strip() if address else f"{undefined} at {place}", frame)
    if done.code < 0:
        return Fault(signal.Signals(-done.code).name, frame)
    return Fault(f"exit code {done.code}", frame)
