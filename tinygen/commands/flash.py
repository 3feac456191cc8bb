"""tinygen flash: a project flashed by PlatformIO, and what the board then says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import DebugOption, JsonOption, Output, QuietOption


def command(
    project: Annotated[Path, typer.Argument(metavar="DIR", help="A rendered project.")],
    port: Annotated[
        str, typer.Option("--port", metavar="P", help="The serial port; else the only one it can be.")
    ] = "",
    romfs: Annotated[bool, typer.Option("--romfs", help="MicroPython: into the ROM filesystem, not as files.")] = False,
    no_readback: Annotated[
        bool, typer.Option("--no-readback", help="Do not wait for what the board says after it.")
    ] = False,
    json_target: JsonOption = "",
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Flashes a project, unless it is over budget (exit 3), and reads back the board's model and self-test.

    A MicroPython project is copied to the board.

    Exit 4 where the self-test fails, 2 where another model answers. Example: tinygen flash kws --port /dev/ttyACM0
    """
    from ..flashing import flash

    out = Output(json_target, quiet)
    result = flash(
        project, port=port or None, romfs=romfs, readback=not no_readback, on_line=None if out.silent else out.line
    )
    if result.problem is None:
        out.show(f"{result.by}: {project}")
    back = result.back
    if back is not None and back.sha256:
        out.show(f"read back from {back.port}: SHA-256 {back.sha256}, {back.line or _verdict(back.self_test)}")
    out.show(*result.notes)
    out.finish({"schema": "tinygen.flash/1", "project": str(project), **result.json()})
    if result.problem is not None:
        raise result.problem


def _verdict(self_test: str | None) -> str:
    return f"self-test: {self_test}" if self_test else "no self-test"
