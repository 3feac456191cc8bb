"""tinygen check: budgets, for CI."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .generate import choice
from .options import DebugOption, JsonOption, Output, QuietOption, size_option


def command(
    target: Annotated[Path, typer.Argument(metavar="DIR-or-MODEL", help="A rendered project, or a .tflite.")],
    board: Annotated[
        str, typer.Option("--board", "-b", metavar="B", help="Needed for a model; a project has its own.")
    ] = "",
    runtime: Annotated[str, typer.Option("--runtime", metavar="R", help="aot or tflm, for a model.")] = "aot",
    max_flash: Annotated[str | None, typer.Option("--max-flash", metavar="SIZE", help="For example 256K.")] = None,
    max_ram: Annotated[str | None, typer.Option("--max-ram", metavar="SIZE", help="For example 64K.")] = None,
    data: Annotated[Path | None, typer.Option("--data", metavar="D.npz", help="Quantizes a Keras model.")] = None,
    json_target: JsonOption = "",
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Flash and RAM held to the board's limits: exit 3 where over.

    Example: tinygen check kws.tflite --board pico --max-ram 32K
    """
    from ..pipeline import check
    from ..report.text import budget_table

    out = Output(json_target, quiet)
    choice(runtime, ("aot", "tflm"), "--runtime")
    flash, ram = size_option(max_flash, "--max-flash"), size_option(max_ram, "--max-ram")
    with out.working("Checking the budget"):
        report = check(target, board=board, runtime=runtime, data=data, max_flash=flash, max_ram=ram, say=out.say)
    out.show(budget_table(report), *report.notes)
    out.finish(report.json())
    report.require()
