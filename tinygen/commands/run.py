"""tinygen run: all stages that a tinygen.toml asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import DebugOption, FreshOption, JsonOption, Output, QuietOption


def command(
    config: Annotated[Path, typer.Argument(metavar="[tinygen.toml]", help="The configuration.")] = Path("tinygen.toml"),
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Where the results go; default: build beside it."),
    ] = None,
    fresh: FreshOption = False,
    json_target: JsonOption = "",
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """All stages that a tinygen.toml asks for, for each of its boards. Example: tinygen run tinygen.toml"""
    execute(config, output, Output(json_target, quiet), fresh=fresh)


def execute(config: Path, output: Path | None, out: Output, *, fresh: bool = False) -> None:
    """Runs, shows the table, writes the JSON, and raises what the report shows to have failed."""
    from ..report.run_text import run_parts
    from ..road import require, run

    with out.steps() as say:
        report = run(config, output, fresh=fresh, say=say)
    out.show(*run_parts(report.json()), f"Report: {report.report}")
    out.finish(report.json())
    require(report, config)
