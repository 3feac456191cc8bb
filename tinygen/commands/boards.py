"""tinygen boards: the table of boards, one board in full, or those that hold a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..boards import BoardProfile, board_names, load_board
from ..units import format_size
from .options import DebugOption, JsonOption, Output, QuietOption


def command(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="One board, or the path of a profile.")] = "",
    fits: Annotated[
        Path | None, typer.Option("--fits", metavar="MODEL", help="Only boards that hold this .tflite.")
    ] = None,
    json_target: JsonOption = "",
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """The boards that tinygen knows, or one of them in full. Example: tinygen boards nucleo_f446re"""
    from ..report.text import table

    out = Output(json_target, quiet)
    if name:
        board = load_board(name)
        out.show(table(f"{board.name}: {board.title}", ["", ""], _facts(board), wrap=True))
        out.finish({"schema": "tinygen.boards/1", "boards": [_json(board)]})
        return
    boards = [load_board(n) for n in board_names()]
    columns = ["board", "core", "clock", "flash left", "RAM left", "framework"]
    rows = [_row(board) for board in boards]
    if fits is not None:
        boards, rows = _fitting(boards, fits)
        columns = ["board", "core", "flash", "of", "RAM", "of"]
    out.show(table("Boards", columns, rows))
    out.finish({"schema": "tinygen.boards/1", "boards": [_json(board) for board in boards]})


def _row(board: BoardProfile) -> list[object]:
    flash, ram = _left(board)
    framework = board.framework.name if board.framework else "none"
    return [board.name, board.core, f"{board.clock_hz / 1e6:g} MHz", format_size(flash), format_size(ram), framework]


def _left(board: BoardProfile) -> tuple[int, int]:
    taken = board.framework
    flash, ram = (taken.flash_bytes, taken.ram_bytes) if taken else (0, 0)
    return board.flash.size - flash, board.ram.size - ram


def _fitting(boards: list[BoardProfile], path: Path) -> tuple[list[BoardProfile], list[list[object]]]:
    from ..compiled import compile_model, open_model
    from ..pipeline import planned_budget

    model = open_model(path)
    kept: list[BoardProfile] = []
    rows: list[list[object]] = []
    for board in boards:
        report = planned_budget(compile_model(model, board))
        if report.fits:
            sizes = (report.flash.used_bytes, report.flash.limit_bytes, report.ram.used_bytes, report.ram.limit_bytes)
            kept.append(board)
            rows.append([board.name, board.core, *(format_size(s) for s in sizes)])
    return kept, rows


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
    flash, ram = _left(board)
    return {**board.model_dump(mode="json", by_alias=True), "flash_left_bytes": flash, "ram_left_bytes": ram}
