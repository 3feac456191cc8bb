"""tinygen flash: a project flashed by PlatformIO, unless it is over budget."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import DebugOption, JsonOption, Output, QuietOption


def command(
    project: Annotated[Path, typer.Argument(metavar="DIR", help="A rendered project.")],
    port: Annotated[
        str, typer.Option("--port", metavar="P", help="The serial port; PlatformIO finds it if absent.")
    ] = "",
    json_target: JsonOption = "",
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Flashes a project with PlatformIO, unless it is over budget (exit 3).

    Example: tinygen flash kws --port /dev/ttyACM0
    """
    from ..pipeline import flash

    out = Output(json_target, quiet)
    with out.working("pio run -t upload"):
        result = flash(project, port=port or None)
    out.show(f"flashed by PlatformIO: {project}")
    out.finish({"schema": "tinygen.flash/1", "project": str(project), **result})
