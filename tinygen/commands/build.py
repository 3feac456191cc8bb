"""tinygen build: a project built by PlatformIO."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import DebugOption, JsonOption, Output, QuietOption


def command(
    project: Annotated[Path, typer.Argument(metavar="DIR", help="A rendered project.")],
    json_target: JsonOption = "",
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Builds a project with PlatformIO. Example: tinygen build kws"""
    from ..pipeline import build

    out = Output(json_target, quiet)
    with out.working("pio run"):
        result = build(project)
    out.show(f"built by PlatformIO: {project}")
    out.finish({"schema": "tinygen.build/1", "project": str(project), **result})
