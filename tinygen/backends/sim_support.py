"""The sim/ folder of a rendered project: harness, start-up, and a linker script with the board's own sizes."""

from __future__ import annotations

from ..boards import BoardProfile
from ..resources import data_dir
from .templating import render

_ALWAYS = ("tg_sim.h", "harness.c", "native.c")
_TARGET = ("clock.c", "semihosting.c", "stack.c", "mem.c")
#: Where what a stand-in compiler builds for Xtensa lies: a simulated chip runs it, no budget is held to it.
STAND_IN = "standin"
FAULT_STACK_BYTES = 256


def stack_bytes(board: BoardProfile) -> int:
    """The stack that the simulated program reserves: an eighth of the RAM, 1 to 8 KiB; what is used is measured."""
    return min(8192, max(1024, board.ram.size // 8)) & ~15


def sim_files(board: BoardProfile, model_name: str, *, checked: bool = False) -> dict[str, str]:
    """The files of sim/ by name, for a model whose API is `<model_name>_invoke` and so on.

    A `checked` model has `<model_name>_overrun` too. Cores without a cross compiler here (Xtensa) get what a run on the
    host needs, and where a simulator has their chip, what a stand-in compiler needs.
    """
    files = {name: _platform(name) for name in _ALWAYS}
    files["tg_sim_model.h"] = render("sim/tg_sim_model.h.j2", name=model_name, checked=checked)
    if board.core.startswith(("cortex-m", "rv32")):
        files |= _machine_files(board, "riscv" if board.core.startswith("rv32") else "cortex_m")
    elif board.simulators:
        files |= {f"{STAND_IN}/{name}": text for name, text in _machine_files(board, "xtensa").items()}
    return dict(sorted(files.items()))


def _machine_files(board: BoardProfile, machine: str) -> dict[str, str]:
    script = render(
        "sim/link.ld.j2",
        board=board.name,
        flash=board.flash,
        ram=board.ram,
        stack_bytes=stack_bytes(board),
        fault_stack_bytes=FAULT_STACK_BYTES,
    )
    return {"link.ld": script} | {name: _platform(name) for name in (*_TARGET, f"{machine}.c", f"{machine}.S")}


def _platform(name: str) -> str:
    return (data_dir("firmware") / "platform" / name).read_text("utf-8")
