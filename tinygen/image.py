"""A linked program, as the toolchain makes it and the simulators run it: plain data that both rooms know."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Symbol:
    """A function or an object of the program; `address` without the Thumb bit."""

    name: str
    address: int
    size: int


@dataclass(frozen=True)
class Image:
    """A program for a board's core, or for the host where `host` is set.

    `objects` are the model's and the runtime's object files, without harness and start-up: sizes are measured on them.
    `stand_in` is set where another core's compiler made it: it runs, and its sizes say nothing of the board.
    `counter` is a library of this machine that counts instructions for unicorn, where a compiler for it is there.
    """

    elf: Path
    model: str
    core: str
    host: bool
    compiler: str
    compiler_version: str
    flags: tuple[str, ...]
    trace: bool
    functions: tuple[Symbol, ...] = ()
    objects: tuple[Path, ...] = ()
    linker: tuple[str, ...] = ()
    linker_tail: tuple[str, ...] = ()
    counter: Path | None = None
    stand_in: bool = False

    def function_at(self, address: int) -> str:
        """The function that holds `address`, with the offset into it; the bare address where none does."""
        for symbol in self.functions:
            if symbol.address <= address < symbol.address + max(symbol.size, 1):
                offset = address - symbol.address
                return f"{symbol.name}+{offset:#x}" if offset else symbol.name
        return f"{address:#010x}"
