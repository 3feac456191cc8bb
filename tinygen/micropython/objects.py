"""Relocatable ELF objects as the linker needs them: loaded sections, symbols, relocations; hostile until checked.

Source of the layout: System V ABI, "Object Files"; each processor's supplement names its relocations.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.enums import ENUM_RELOC_TYPE_ARM, ENUM_RELOC_TYPE_x64

from ..errors import BadInput

_WRITE, _ALLOC = 1, 2
#: RISC-V ELF psABI, "Relocations": number -> name without "R_RISCV_".
_RISCV = {
    0: "NONE", 1: "32", 2: "64", 3: "RELATIVE", 16: "BRANCH", 17: "JAL", 18: "CALL", 19: "CALL_PLT", 20: "GOT_HI20",
    21: "TLS_GOT_HI20", 22: "TLS_GD_HI20", 23: "PCREL_HI20", 24: "PCREL_LO12_I", 25: "PCREL_LO12_S", 26: "HI20",
    27: "LO12_I", 28: "LO12_S", 29: "TPREL_HI20", 30: "TPREL_LO12_I", 31: "TPREL_LO12_S", 32: "TPREL_ADD", 33: "ADD8",
    34: "ADD16", 35: "ADD32", 36: "ADD64", 37: "SUB8", 38: "SUB16", 39: "SUB32", 40: "SUB64", 41: "GOT32_PCREL",
    43: "ALIGN", 44: "RVC_BRANCH", 45: "RVC_JUMP", 51: "RELAX", 52: "SUB6", 53: "SET6", 54: "SET8", 55: "SET16",
    56: "SET32", 57: "32_PCREL", 58: "IRELATIVE", 59: "PLT32", 60: "SET_ULEB128", 61: "SUB_ULEB128",
}  # fmt: skip
_NAMES: dict[str, dict[int, str]] = {
    "EM_ARM": {number: name for name, number in ENUM_RELOC_TYPE_ARM.items()},
    "EM_RISCV": {number: f"R_RISCV_{name}" for number, name in _RISCV.items()},
    "EM_X86_64": {number: name for name, number in ENUM_RELOC_TYPE_x64.items()},
}
MAX_OBJECT_BYTES = 1 << 26


@dataclass(frozen=True)
class Relocation:
    """`symbol` indexes the object's symbols; `addend` is None where it lies in the place itself (SHT_REL)."""

    offset: int
    kind: str
    symbol: int
    addend: int | None


@dataclass(frozen=True)
class Section:
    """A section that is loaded; `data` is empty for .bss, whose `size` counts."""

    name: str
    data: bytes
    size: int
    align: int
    is_writable: bool
    relocations: tuple[Relocation, ...]


@dataclass(frozen=True)
class Symbol:
    """`section` is the index of the section that defines it, "undefined", "common", or "absolute"."""

    name: str
    section: int | str
    value: int
    is_local: bool
    is_weak: bool
    is_function: bool


@dataclass(frozen=True)
class ObjectFile:
    """One relocatable object: its sections by their index."""

    name: str
    machine: str
    sections: dict[int, Section] = field(repr=False)
    symbols: tuple[Symbol, ...] = field(repr=False)


def read_object(name: str, data: bytes, machine: str) -> ObjectFile:
    """The object; BadInput where it is damaged, of another machine than `machine` ("EM_ARM"), or not relocatable."""
    if len(data) > MAX_OBJECT_BYTES:
        raise BadInput(f"{name}: an object of {len(data)} bytes.")
    try:
        return _read(name, data, machine)
    except BadInput:
        raise
    except (ELFError, ValueError, KeyError, IndexError, AttributeError, TypeError, OverflowError) as error:
        raise BadInput(f"{name}: a damaged ELF object.") from error
    except Exception as error:  # construct's own errors, one class a kind
        raise BadInput(f"{name}: a damaged ELF object.") from error


def _read(name: str, data: bytes, machine: str) -> ObjectFile:
    elf = ELFFile(io.BytesIO(data))
    if elf["e_machine"] != machine or elf["e_type"] != "ET_REL" or not elf.little_endian:
        raise BadInput(f"{name}: {elf['e_type']} of {elf['e_machine']}, wanted a relocatable object of {machine}.")
    names = _NAMES[machine]
    found: list[Any] = list(elf.iter_sections())
    _require_room(name, found, len(data))
    relocations: dict[int, list[Relocation]] = {}
    for part in found:
        if part["sh_type"] in ("SHT_REL", "SHT_RELA"):
            entries = [_relocation(entry, part["sh_type"] == "SHT_RELA", names) for entry in part.iter_relocations()]
            relocations.setdefault(part["sh_info"], []).extend(entries)
    sections = {}
    for index, part in enumerate(found):
        if part["sh_flags"] & _ALLOC:
            sections[index] = _section(name, part, relocations.get(index, []), len(data))
    tables = [part for part in found if part["sh_type"] == "SHT_SYMTAB"]
    if len(tables) != 1:
        raise BadInput(f"{name}: {len(tables)} symbol tables.")
    symbols = tuple(_symbols(tables[0]))
    for section in sections.values():
        for relocation in section.relocations:
            if not 0 <= relocation.symbol < len(symbols):
                raise BadInput(f"{name}: {section.name} names symbol {relocation.symbol} of {len(symbols)}.")
    return ObjectFile(name, machine, sections, symbols)


def _require_room(name: str, parts: list[Any], size: int) -> None:
    """Sections that share bytes would make a small file take long."""
    stored = sum(int(part["sh_size"]) for part in parts if part["sh_type"] not in ("SHT_NOBITS", "SHT_NULL"))
    if stored > size:
        raise BadInput(f"{name}: its sections hold {stored} bytes, the file {size}.")


def _section(name: str, part: Any, relocations: list[Relocation], limit: int) -> Section:
    size, align = int(part["sh_size"]), max(1, int(part["sh_addralign"]))
    data = b"" if part["sh_type"] == "SHT_NOBITS" else bytes(part.data())
    if size > limit or (data and len(data) != size) or align & (align - 1):
        raise BadInput(f"{name}: section {part.name} is damaged.")
    return Section(part.name, data, size, align, bool(part["sh_flags"] & _WRITE), tuple(relocations))


def _relocation(entry: Any, has_addend: bool, names: dict[int, str]) -> Relocation:
    number = int(entry["r_info_type"])
    kind = names.get(number, f"relocation {number}")
    return Relocation(
        int(entry["r_offset"]), kind, int(entry["r_info_sym"]), int(entry["r_addend"]) if has_addend else None
    )


def _symbols(table: Any) -> Iterator[Symbol]:
    for symbol in table.iter_symbols():
        place = symbol["st_shndx"]
        where = {"SHN_UNDEF": "undefined", "SHN_COMMON": "common", "SHN_ABS": "absolute"}.get(place, place)
        bind, is_function = symbol["st_info"]["bind"], symbol["st_info"]["type"] == "STT_FUNC"
        value = int(symbol["st_value"])
        yield Symbol(symbol.name, where, value, bind == "STB_LOCAL", bind == "STB_WEAK", is_function)
