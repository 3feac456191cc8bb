"""tinygen build: a project built by PlatformIO."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import DebugOption, JsonOption, Output, QuietOption


def command(
    project: Annotated[Path, typer.Argument(metavar="DIR", help="A rendered project.")],
    environment: Annotated[
        str,
        typer.Option("--env", metavar="E", help="PlatformIO's environment: sim, or the board's (default)."),
    ] = "",
    json_target: JsonOption = "",
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Builds a project with PlatformIO (`--env sim` asks no registry), a MicroPython one to a ROM filesystem.

    Example: tinygen build kws --env sim"""
    from ..pipeline import build

    out = Output(json_target, quiet)
    with out.working("Building"):
        result = build(project, environment)
    if "image" in result:
        out.show(f"{result['image']}: a ROM filesystem of {result['image_bytes']:,} bytes")
    else:
        out.show(f"built by PlatformIO for {result['environment']}: {project}")
    out.finish({"schema": "tinygen.build/1", "project": str(project), **result})
