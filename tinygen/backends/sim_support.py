"""The sim/ folder of a rendered project: harness, start-up, and a linker script with the board's own sizes."""

from __future__ import annotations

from ..boards import BoardProfile
from ..resources import data_dir
from .templating import render

_ALWAYS = ("tg_sim.h", "harness.c", "native.c")
_TARGET = ("clock.c", "semihosting.c", "stack.c", "mem.c")
FAULT_STACK_BYTES = 256


def stack_bytes(board: BoardProfile) -> int:
    """The stack that the simulated program reserves: an eighth of the RAM, 1 to 8 KiB; what is used is measured."""
    return min(8192, max(1024, board.ram.size // 8)) & ~15


def sim_files(board: BoardProfile, model_name: str, *, checked: bool = False) -> dict[str, str]:
    """The files of sim/ by name, for a model whose API is `<model_name>_invoke` and so on.

    A `checked` model has `<model_name>_overrun` too. Cores that no simulator here runs (Xtensa) get what a run on the
    host needs.
    """
    names = [*_ALWAYS]
    files: dict[str, str] = {}
    if board.core.startswith(("cortex-m", "rv32")):
        machine = "riscv" if board.core.startswith("rv32") else "cortex_m"
        names += [*_TARGET, f"{machine}.c", f"{machine}.S"]
        files["link.ld"] = render(
            "sim/link.ld.j2",
            board=board.name,
            flash=board.flash,
            ram=board.ram,
            stack_bytes=stack_bytes(board),
            fault_stack_bytes=FAULT_STACK_BYTES,
        )
    files["tg_sim_model.h"] = render("sim/tg_sim_model.h.j2", name=model_name, checked=checked)
    for name in names:
        files[name] = (data_dir("firmware") / "platform" / name).read_text("utf-8")
    return dict(sorted(files.items()))
