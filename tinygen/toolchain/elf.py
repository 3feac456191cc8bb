"""Reads linked programs: the functions by address, and what a model costs in flash and RAM."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elftools.elf.elffile import ELFFile

from ..errors import BadInput, TinygenError
from ..image import Image, Symbol
from ..processes import run
from .compilers import environment

_API = re.compile(r"(invoke|info|reset|overrun|input\w*|output\w*|quantize\w*|dequantize\w*)\Z")
_ALLOC, _WRITE = 0x2, 0x1
_NOT_THE_USERS = (".stack", ".fault_stack")


@dataclass(frozen=True)
class LinkedSizes:
    """Bytes of a linked program. flash = weights + code + harness; ram = arena + state + static + measured stack.

    `code_bytes` is every flash byte but the weights that the model's API reaches, measured by a link of its own without
    harness and start-up; initial values of writable data count in flash and in RAM. `harness_bytes` is harness and
    start-up. The harness's own buffers and the painted stack reserve are not the user's and are in none of the figures.
    """

    flash_bytes: int
    ram_bytes: int
    weights_bytes: int
    code_bytes: int
    harness_bytes: int
    arena_bytes: int
    state_bytes: int
    static_bytes: int


@dataclass(frozen=True)
class _Contents:
    flash_bytes: int
    written_bytes: int
    objects: tuple[Symbol, ...]


def functions(elf: Path) -> tuple[Symbol, ...]:
    """The functions of a program, sorted by address, without the Thumb bit."""
    found = {s.address & ~1: s for s in _symbols(elf, "STT_FUNC")}
    return tuple(Symbol(s.name, address, s.size) for address, s in sorted(found.items()))


def api_functions(objects: tuple[Path, ...], model: str) -> list[str]:
    """The functions of the model's API that object files define, sorted."""
    names = {s.name for path in objects for s in _symbols(path, "STT_FUNC", "STB_GLOBAL")}
    prefix = f"{model}_"
    return sorted(n for n in names if n.startswith(prefix) and _API.match(n[len(prefix) :]))


def roots(objects: tuple[Path, ...], model: str) -> tuple[str, ...]:
    """Linker flags that keep the whole API of a model, whoever calls it."""
    return tuple(f"-Wl,-u,{name}" for name in api_functions(objects, model))


def linked_sizes(image: Image, stack_bytes: int | None = None) -> LinkedSizes:
    """What the model of a program built for a board costs; `stack_bytes` is the stack measured in a simulator.

    Raises BadInput for a program of the host, whose sizes say nothing about the board.
    """
    if image.host:
        raise BadInput("A program of the host has no sizes of the board.")
    whole = _contents(image.elf)
    with tempfile.TemporaryDirectory(prefix="tinygen-") as folder:
        alone = _contents(_link_model_alone(image, Path(folder) / "model.elf"))
    weights = _total(alone, rf"{image.model}_weights(_\w+)?")
    arena = _total(alone, rf"{image.model}_arena")
    state = _total(alone, rf"{image.model}_state\w*")
    static = alone.written_bytes - arena - state
    return LinkedSizes(
        flash_bytes=whole.flash_bytes,
        ram_bytes=alone.written_bytes + (stack_bytes or 0),
        weights_bytes=weights,
        code_bytes=alone.flash_bytes - weights,
        harness_bytes=whole.flash_bytes - alone.flash_bytes,
        arena_bytes=arena,
        state_bytes=state,
        static_bytes=static,
    )


def _link_model_alone(image: Image, elf: Path) -> Path:
    command = [*image.linker, f"-Wl,-e,{image.model}_invoke", *map(str, image.objects), "-o", str(elf)]
    done = run([*command, *image.linker_tail], timeout_s=300, env=environment())
    if done.code != 0:
        first = next((line for line in done.stderr.splitlines() if line.strip()), "no message")
        raise TinygenError(f"{image.model}: the model does not link on its own: {first}")
    return elf


def _total(contents: _Contents, pattern: str) -> int:
    return sum(s.size for s in contents.objects if re.fullmatch(pattern, s.name))


def _contents(elf: Path) -> _Contents:
    flash = written = 0
    with elf.open("rb") as stream:
        for section in ELFFile(stream).iter_sections():
            header = section.header
            if not header.sh_flags & _ALLOC or section.name in _NOT_THE_USERS:
                continue
            if header.sh_type != "SHT_NOBITS":
                flash += header.sh_size
            if header.sh_flags & _WRITE:
                written += header.sh_size
    return _Contents(flash, written, tuple(_symbols(elf, "STT_OBJECT")))


def _symbols(elf: Path, kind: str, binding: str | None = None) -> list[Symbol]:
    found = []
    with elf.open("rb") as stream:
        table: Any = ELFFile(stream).get_section_by_name(".symtab")
        for symbol in table.iter_symbols() if table is not None else ():
            entry = symbol.entry
            if entry.st_info.type != kind or entry.st_shndx == "SHN_UNDEF":
                continue
            if binding is None or entry.st_info.bind == binding:
                found.append(Symbol(symbol.name, entry.st_value, entry.st_size))
    return found
