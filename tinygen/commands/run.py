"""tinygen run: all stages that a tinygen.toml asks for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from .options import DebugOption, FreshOption, JsonOption, Output, QuietOption

#: What is found in the outputs of a project's firmware.
Detect = Callable[[Path, Callable[[str], None]], dict[str, Any]]


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


def execute(
    config: Path, output: Path | None, out: Output, *, fresh: bool = False, detect: Detect | None = None
) -> None:
    """Runs, shows the table, writes the JSON, and raises what the report shows to have failed.

    `detect` looks at the first board's project afterwards: its "lines" are shown, all of it is in the JSON.
    """
    from ..report.run_text import run_parts
    from ..road import require, run

    with out.steps() as say:
        report = run(config, output, fresh=fresh, say=say)
        found = detect(report.boards[0].project, say) if detect else {}
    out.show(*run_parts(report.json()), *found.get("lines", ()), f"Report: {report.report}")
    out.finish({**report.json(), **({"detection": found} if found else {})})
    require(report, config)
