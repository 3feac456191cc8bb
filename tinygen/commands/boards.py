"""tinygen boards: the table of boards, one board in full, or those that have room: by core, by memory, for a model."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from ..boards import BoardProfile, Core, board_names, load_board
from ..errors import BadInput, suggest
from ..units import format_size, short_size
from .options import DebugOption, JsonOption, Output, QuietOption, size_option

if TYPE_CHECKING:
    from ..fits import Fit


def command(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="One board, or the path of a profile.")] = "",
    fits: Annotated[
        Path | None,
        typer.Option("--fits", metavar="MODEL", help="Only boards that hold this .tflite, least headroom first."),
    ] = None,
    core: Annotated[
        str, typer.Option("--core", metavar="C", help="Only cores that begin so: cortex-m4 is cortex-m4f too.")
    ] = "",
    min_flash: Annotated[
        str | None,
        typer.Option("--min-flash", metavar="SIZE", help="Only boards that leave a program so much flash."),
    ] = None,
    min_ram: Annotated[
        str | None, typer.Option("--min-ram", metavar="SIZE", help="Only boards that leave a program so much RAM.")
    ] = None,
    json_target: JsonOption = "",
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """The boards that tinygen knows, those that a model fits, or one of them in full.

    Example: tinygen boards --core cortex-m4 --min-ram 128K
    """
    out = Output(json_target, quiet)
    flash, ram = size_option(min_flash, "--min-flash"), size_option(min_ram, "--min-ram")
    if name:
        if fits or core or flash or ram:
            raise BadInput(f"{name!r} is one board: there is nothing to choose from.", "Leave the name or the options.")
        _show_one(load_board(name), out)
        return
    cores = _cores(core)
    boards = [board for board in map(load_board, board_names())
              if board.core in cores and board.flash_left >= (flash or 0) and board.ram_left >= (ram or 0)]  # fmt: skip
    if fits is not None:
        _show_fits(fits, boards, out)
    else:
        _show_all(boards, out)


def _cores(prefix: str) -> list[str]:
    """The known cores that begin with `prefix`, a number of which is whole: cortex-m3 is not cortex-m33."""
    known: tuple[str, ...] = get_args(Core)
    begin = re.escape(prefix.strip().lower())
    whole = r"(?!\d)" if prefix.strip()[-1:].isdigit() else ""
    found = [core for core in known if re.match(begin + whole, core)]
    if not found:
        hint = suggest(prefix[:40].lower(), known) or f"The cores are {', '.join(known)}."
        raise BadInput(f"--core: no core is called {prefix[:40]!r}.", hint)
    return found


def _show_one(board: BoardProfile, out: Output) -> None:
    from ..report.text import table

    out.show(table(f"{board.name}: {board.title}", ["", ""], _facts(board), wrap=True))
    out.finish({"schema": "tinygen.boards/1", "boards": [_json(board)]})


def _show_all(boards: list[BoardProfile], out: Output) -> None:
    from ..report.text import table

    columns = ["board", "core", "MHz", "flash", "RAM", "framework"]
    rows = [_row(board) for board in boards]
    out.show(table("Boards: what a program can have", columns, rows) if boards else "No board is like that.")
    out.finish({"schema": "tinygen.boards/1", "boards": [_json(board) for board in boards]})


def _row(board: BoardProfile) -> list[object]:
    framework = board.framework.name if board.framework else "none"
    left = [short_size(board.flash_left), short_size(board.ram_left)]
    return [board.name, board.core, f"{board.clock_hz / 1e6:g}", *left, framework]


def _show_fits(path: Path, boards: list[BoardProfile], out: Output) -> None:
    from ..compiled import open_model
    from ..fits import fits
    from ..report.text import table

    model = open_model(path)
    found = fits(model, boards)
    holding = [fit for fit in found if fit.report.fits]
    others = [fit for fit in found if not fit.report.fits]
    if holding:
        title = f"{model.name}: boards that hold it, least headroom first"
        out.show(table(title, ["board", "core", "flash", "left", "RAM", "left"], [_fit_row(fit) for fit in holding]))
    else:
        out.show(f"No board holds {model.name}. {others[-1].report.shortage}" if others else "No board is like that.")
    lists = {"boards": holding, "too_small": others}
    told = {key: [{**_json(fit.board), **fit.json()} for fit in fits_] for key, fits_ in lists.items()}
    out.finish({"schema": "tinygen.boards/1", "model": model.name, **told})


def _fit_row(fit: Fit) -> list[object]:
    cells: list[object] = [fit.board.name, fit.board.core]
    for usage in (fit.report.flash, fit.report.ram):
        cells += [short_size(usage.used_bytes), f"{100 * usage.left_share:.0f} %"]
    return cells


def _facts(board: BoardProfile) -> list[list[object]]:
    facts: list[list[object]] = [
        ["mcu", board.mcu],
        ["core", f"{board.core}, FPU {board.fpu}, {board.clock_hz / 1e6:g} MHz"],
        ["source", board.source],
    ]
    for region in board.regions:
        facts.append(
            [region.name, f"{region.kind} {format_size(region.size)} at {region.origin:#010x}. {region.source}"]
        )
    for taken in board.frameworks:
        sizes = f"{format_size(taken.flash_bytes)} of flash, {format_size(taken.ram_bytes)} of RAM"
        facts.append([taken.name, f"takes {sizes}. {taken.source}"])
    if board.platformio:
        names = ", ".join(board.platformio.frameworks)
        facts.append(["PlatformIO", f"{board.platformio.board} on {board.platformio.requirement} ({names})"])
        if board.platformio.fork:
            facts.append(["fork", board.platformio.fork])
    simulators = ", ".join(f"{s.kind} {s.machine or s.cpu}".strip() for s in board.simulators)
    facts.append(["simulators", f"{simulators}, native" if simulators else "native"])
    if board.notes:
        facts.append(["notes", board.notes])
    return facts


def _json(board: BoardProfile) -> dict[str, Any]:
    left = {"flash_left_bytes": board.flash_left, "ram_left_bytes": board.ram_left}
    return {**board.model_dump(mode="json", by_alias=True), **left}
