"""tinygen check: budgets, for CI."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from .generate import choice
from .options import OPTIMIZE_HELP, DebugOption, JsonOption, Output, QuietOption, size_option

if TYPE_CHECKING:
    from ..baseline import Kind
    from ..gates import Verdict


def _allow(unit: str, example: str) -> Any:
    return typer.Option(metavar=unit, help=f"How much worse than the baseline, for example {example}; 0 else.")


def command(
    target: Annotated[Path, typer.Argument(metavar="DIR-or-MODEL", help="A rendered project, or a .tflite.")],
    board: Annotated[
        list[str] | None,
        typer.Option("--board", "-b", metavar="B", help="Needed for a model, may be repeated; a project has its own."),
    ] = None,
    runtime: Annotated[
        str, typer.Option("--runtime", metavar="R", help="aot, tflm or micropython, for a model.")
    ] = "aot",
    optimize: Annotated[
        str | None, typer.Option("--optimize", metavar="O", help=f"Of a model; a project has its own. {OPTIMIZE_HELP}")
    ] = None,
    storage: Annotated[
        str, typer.Option("--storage", metavar="S", help="Where a MicroPython module lies: file, romfs or frozen.")
    ] = "",
    max_flash: Annotated[str | None, typer.Option("--max-flash", metavar="SIZE", help="For example 256K.")] = None,
    max_ram: Annotated[str | None, typer.Option("--max-ram", metavar="SIZE", help="For example 64K.")] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="D.npz", help="Quantizes a Keras model; a project runs on it, for its metric."),
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option("--baseline", metavar="F.json", help="Fails where it is worse than in this file.")
    ] = None,
    update_baseline: Annotated[
        bool, typer.Option("--update-baseline", help="Writes what is there now into --baseline.")
    ] = False,
    allow_flash: Annotated[str | None, _allow("SIZE", "1K or 1%")] = None,
    allow_ram: Annotated[str | None, _allow("SIZE", "256 or 1%")] = None,
    allow_instructions: Annotated[str | None, _allow("N", "1000 or 1%")] = None,
    allow_accuracy: Annotated[str | None, _allow("N", "0.005")] = None,
    junit: Annotated[Path | None, typer.Option("--junit", metavar="F.xml", help="Writes JUnit XML.")] = None,
    sarif: Annotated[Path | None, typer.Option("--sarif", metavar="F.sarif", help="Writes SARIF 2.1.0.")] = None,
    markdown: Annotated[Path | None, typer.Option("--markdown", metavar="F.md", help="Writes a table.")] = None,
    github: Annotated[
        bool,
        typer.Option(
            "--github", help="Annotations and the job's summary; by itself where GITHUB_ACTIONS is set to true."
        ),
    ] = False,
    json_target: JsonOption = "",
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Flash and RAM held to the board's limits, and to a baseline: exit 3 where over, or worse.

    Example: tinygen check kws.tflite --board pico --max-ram 32K
    """
    from ..checking import check_boards
    from ..errors import BadInput
    from ..gates import require
    from ..micropython.heap import STORAGES, Storage
    from ..project import MANIFEST, RUNTIMES
    from ..records import Optimize
    from .check_outputs import Outputs, allowances, judge_all

    out = Output(json_target, quiet)
    choice(runtime, RUNTIMES, "--runtime")
    if storage:
        choice(storage, STORAGES, "--storage")
    if optimize is not None:
        choice(optimize, ("speed", "balanced", "size"), "--optimize")
        if (target / MANIFEST).is_file():
            raise BadInput(f"{target}: was rendered with its own --optimize.", "Leave --optimize out.")
    flash, ram = size_option(max_flash, "--max-flash"), size_option(max_ram, "--max-ram")
    given: dict[Kind, str | None] = {
        "flash": allow_flash, "ram": allow_ram, "instructions": allow_instructions, "accuracy": allow_accuracy,
    }  # fmt: skip
    allow = allowances(given, baseline, update_baseline)
    outputs = Outputs(junit, sarif, markdown, github, baseline if update_baseline else None)
    boards = list(dict.fromkeys(board or []))
    with out.working("Checking the budget"):
        reports = check_boards(
            target,
            boards,
            runtime=runtime,
            optimize=cast(Optimize, optimize or "balanced"),
            storage=cast(Storage, storage) if storage else None,
            data=data,
            max_flash=flash,
            max_ram=ram,
            say=out.say,
        )
    verdicts = judge_all(reports, target, baseline, update_baseline, allow)
    _show(out, verdicts)
    out.finish(_result(verdicts))
    outputs.write(verdicts, to_errors=json_target == "-")
    require(verdicts)


def _show(out: Output, verdicts: list[Verdict]) -> None:
    from ..report.text import budget_table, gates_table

    if len(verdicts) == 1:
        out.show(budget_table(verdicts[0].report))
    if len(verdicts) > 1 or verdicts[0].baseline or len(verdicts[0].gates) > 2:
        out.show(gates_table(verdicts))
    out.show(*dict.fromkeys(note for v in verdicts for note in (*v.report.notes, *v.notes)))


def _result(verdicts: list[Verdict]) -> dict[str, Any]:
    """The budget's object; of several boards a list of them."""
    if len(verdicts) == 1:
        return verdicts[0].json()
    passed = not any(verdict.problems for verdict in verdicts)
    return {"schema": "tinygen.budgets/1", "passed": passed, "budgets": [verdict.json() for verdict in verdicts]}
