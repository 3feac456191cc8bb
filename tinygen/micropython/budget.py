"""The budget of a MicroPython module: RAM is the heap that import, arena and buffers take, flash what is stored."""

from __future__ import annotations

from ..boards import BoardProfile
from ..compiled import Compiled, Model, compile_model, peak_layers
from ..ops.lowering import Optimize
from ..usage import BudgetReport, Usage
from .bundle import Bundle, bundle
from .heap import STORAGES, Storage


def micropython_budget(
    model: Model, board: BoardProfile, *, optimize: Optimize = "balanced", toolchain: str | None = None,
    storage: Storage = "file", max_flash: int | None = None, max_ram: int | None = None,
) -> BudgetReport:  # fmt: skip
    """The budget of a MicroPython module, compiled for the board: RAM is the heap, flash where it is stored."""
    compiled = compile_model(model, board, optimize=optimize)
    return bundle_budget(compiled, bundle(compiled, toolchain=toolchain), storage, max_flash, max_ram)


def bundle_budget(
    compiled: Compiled, made: Bundle, storage: Storage = "file", max_flash: int | None = None,
    max_ram: int | None = None,
) -> BudgetReport:  # fmt: skip
    """The same of a module that is there."""
    board = compiled.board
    flash = {"weights": compiled.weights_bytes, "code": len(made.mpy) - compiled.weights_bytes}
    told = ", ".join(f"{made.heap.total(other):,} B from {other}" for other in STORAGES)
    return BudgetReport(
        board=board.name,
        source="linked",
        flash=Usage("Flash", min(board.flash.size, max_flash or board.flash.size), flash),
        ram=Usage("RAM", min(board.ram.size, max_ram or board.ram.size), made.heap.parts(storage)),
        largest=peak_layers(compiled),
        notes=(f"{board.name}: heap by storage: {told}.",),
        model=compiled.model.name,
        runtime="micropython",
    )
