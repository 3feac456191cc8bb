"""tinygen search: students of many shapes under a board's budgets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from .options import DebugOption, JsonOption, Output, QuietOption


def command(
    config: Annotated[Path, typer.Argument(metavar="[tinygen.toml]", help="The configuration.")] = Path("tinygen.toml"),
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Where the results go; default: search beside it."),
    ] = None,
    trials: Annotated[int | None, typer.Option("--trials", help="Of the study in all; [search] trials.")] = None,
    timeout: Annotated[
        str | None, typer.Option("--timeout", metavar="T", help='"90s", "10min" or "2h"; [search] timeout.')
    ] = None,
    processes: Annotated[int | None, typer.Option("--processes", help="At once, here; [search] processes.")] = None,
    storage: Annotated[
        str | None,
        typer.Option("--storage", metavar="S", help="journal:FILE or a database's URL; [search] storage."),
    ] = None,
    study: Annotated[str | None, typer.Option("--study", metavar="NAME", help="Its name; [search] study.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget the study's trials; else the search goes on.")] = False,
    json_target: JsonOption = "",
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Student width, depth, kernel, sparsity and precision under a board's budgets; the best as a recipe.

    Candidates that cannot fit are refused by the memory planner before any training; all choices are made on validation
    data. Several processes or machines share a study by its storage. The results: search.json, pareto.svg, recipe.toml,
    tinygen.toml for `tinygen run`, best.h5, best.tflite. Example: tinygen search tinygen.toml --timeout 10min
    """
    from ..report.search_text import search_parts
    from ..search.run import require, search

    out = Output(json_target, quiet)
    given = {"trials": trials, "timeout": timeout, "processes": processes, "storage": storage, "study": study}
    with out.steps() as say:
        report = search(config, output, changes=_changes(given), fresh=fresh, say=say)
    out.show(*search_parts(report.json()))
    out.finish(report.json())
    require(report)


def _changes(given: dict[str, Any]) -> dict[str, Any]:
    """The options as validated keys of [search]; a file's path is relative to the current folder."""
    from ..errors import BadInput
    from ..search.settings import SearchSection

    named = {key: value for key, value in given.items() if value is not None}
    try:
        settings = SearchSection.model_validate(named).in_folder(Path.cwd())
    except ValidationError as error:
        problem = error.errors()[0]
        text = problem["msg"].removeprefix("Value error, ")
        raise BadInput(f"--{problem['loc'][0]}: {text}.", "tinygen search --help") from error
    return {key: getattr(settings, key) for key in named}
