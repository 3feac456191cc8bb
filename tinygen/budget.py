"""Budgets: what the firmware takes of a board's flash and RAM, planned or linked, held to the limits."""

from __future__ import annotations

from .boards import BoardProfile
from .usage import BudgetReport, Performance, Source, Usage


def report(
    board: BoardProfile,
    source: Source,
    flash: dict[str, int],
    ram: dict[str, int],
    *,
    max_flash: int | None = None,
    max_ram: int | None = None,
    largest: str = "",
    notes: tuple[str, ...] = (),
    framework: str = "",
    model: str = "",
    runtime: str = "aot",
    checked: bool = False,
    performance: Performance | None = None,
) -> BudgetReport:
    """The budget of a board, with its framework's share; `max_flash` and `max_ram` tighten the board's own limits.

    Where the board's linker script copies constants to RAM, the weights count there too.
    `framework` names another than the board's default; where the profile has no figure for it, the default's stands in.
    """
    taken = next((f for f in board.frameworks if f.name == framework), board.framework)
    if framework and taken and taken.name != framework:
        notes = (*notes, f"No figure for the framework {framework} on {board.name}: that of {taken.name} is used.")
    if board.constants_in_ram:
        ram = {**ram, "constants": flash.get("weights", 0)}
    flash = {**flash, "framework": taken.flash_bytes if taken else 0}
    ram = {**ram, "framework": taken.ram_bytes if taken else 0}
    return BudgetReport(
        board=board.name,
        source=source,
        flash=Usage("Flash", min(board.flash.size, max_flash or board.flash.size), flash),
        ram=Usage("RAM", min(board.ram.size, max_ram or board.ram.size), ram),
        largest=largest,
        notes=notes,
        model=model,
        runtime=runtime,
        checked=checked,
        performance=performance or Performance(),
    )
