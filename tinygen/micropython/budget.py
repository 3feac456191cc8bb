"""The budget of a MicroPython module: RAM is the heap that import, arena and buffers take, flash where it is stored."""

from __future__ import annotations

from ..boards import BoardProfile
from ..compiled import Compiled, Model, compile_model, peak_layers
from ..errors import BadInput
from ..ops.lowering import Optimize
from ..usage import BudgetReport, Usage
from .bundle import Bundle, bundle
from .heap import STORAGES, Storage

#: littlefs keeps two blocks for its root folder and gives every file whole blocks.
_BLOCK, _ROOT_BLOCKS = 4096, 2
_NOT_NATIVE = "{}: its stock firmware loads no native module; usermod/ builds it into a firmware of one's own."
_HEAPS = {
    "shared": "{}: the firmware's static data come off the heap, too; gc.mem_free() tells what is left.",
    "grows": "{}: the heap begins with {:,} B and takes more of what the system has left.",
}


def micropython_budget(
    model: Model, board: BoardProfile, *, optimize: Optimize = "balanced", toolchain: str | None = None,
    storage: Storage | None = None, max_flash: int | None = None, max_ram: int | None = None,
) -> BudgetReport:  # fmt: skip
    """The budget of a MicroPython module, compiled for the board; `storage` is where it lies (usual_storage).

    Raises BadInput for a ROM filesystem where the board's stock firmware has none.
    """
    compiled = compile_model(model, board, optimize=optimize)
    made = bundle(compiled, optimize=optimize, toolchain=toolchain)
    return bundle_budget(compiled, made, storage, max_flash, max_ram)


def bundle_budget(
    compiled: Compiled, made: Bundle, storage: Storage | None = None, max_flash: int | None = None,
    max_ram: int | None = None,
) -> BudgetReport:  # fmt: skip
    """The same of a module that is there."""
    board, heap = compiled.board, made.heap
    storage = storage or usual_storage(board)
    flash = {"weights": compiled.weights_bytes, "code": len(made.mpy) - compiled.weights_bytes}
    flash |= {"runtime": made.helper_bytes, "framework": _filesystem(made) if storage == "file" else 0}
    ram = {**heap.parts(storage), "framework": _firmware_ram(board)}
    flash_limit = _flash_limit(board, storage)
    told = ", ".join(f"{heap.total(other):,} B from {other}" for other in STORAGES)
    return BudgetReport(
        board=board.name,
        source="linked",
        flash=Usage("Flash", min(flash_limit, max_flash or flash_limit), flash),
        ram=Usage("RAM", min(board.ram.size, max_ram or board.ram.size), ram),
        largest=peak_layers(compiled),
        notes=(f"{board.name}: heap by storage: {told}.", *board_notes(board)),
        model=compiled.model.name,
        runtime="micropython",
        heap={other: heap.total(other) for other in STORAGES},
    )


def _filesystem(made: Bundle) -> int:
    """What littlefs takes besides the files' bytes."""
    rounded = sum(-size % _BLOCK for size in (len(made.mpy), made.helper_bytes))
    return _ROOT_BLOCKS * _BLOCK + rounded


def usual_storage(board: BoardProfile) -> Storage:
    """Where a module lies unless told otherwise: a file, where the stock firmware has a filesystem."""
    return "frozen" if board.micropython and board.micropython.filesystem_bytes == 0 else "file"


def _flash_limit(board: BoardProfile, storage: Storage) -> int:
    stock = board.micropython
    if stock is None or storage == "frozen":
        return board.flash.size
    found = stock.filesystem_bytes if storage == "file" else stock.romfs_bytes
    if found == 0:
        what = "ROM filesystem" if storage == "romfs" else "filesystem"
        raise BadInput(f"{board.name}: its stock MicroPython has no {what}.", "--storage file or frozen.")
    return found or board.flash.size


def _firmware_ram(board: BoardProfile) -> int:
    """What the firmware keeps of the chip's RAM, the heap left."""
    stock, taken = board.micropython, board.framework
    if stock is None or stock.heap == "grows":
        return taken.ram_bytes if taken else 0
    return max(0, board.ram.size - stock.heap_bytes)


def board_notes(board: BoardProfile) -> tuple[str, ...]:
    """What a reader must know of the board's stock MicroPython."""
    stock = board.micropython
    if stock is None:
        return (f"{board.name}: no stock MicroPython is known, so its share of the RAM is not.",)
    notes = [_HEAPS[stock.heap].format(board.name, stock.heap_bytes)] if stock.heap in _HEAPS else []
    return (*notes, *([] if stock.native else [_NOT_NATIVE.format(board.name)]))
