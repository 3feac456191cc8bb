"""Links relocatable objects into one position independent blob whose entry point is its first byte."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from ..errors import BadInput
from .objects import ObjectFile, Relocation, Section, Symbol, read_object
from .relocations import BY_MACHINE, Place, RelocationError

#: The most that a section may ask for. MicroPython's heap blocks begin at multiples of 16, text on an ESP32-C3 at one
#: of 4, more than which no instruction of these 32-bit cores wants; on x64 the text lies in pages of its own.
MAX_ALIGN = {"EM_ARM": 16, "EM_RISCV": 16, "EM_X86_64": 64}
MAX_TEXT_BYTES = 1 << 24

_Key = tuple[int, int]


@dataclass(frozen=True)
class Linked:
    """`text` runs at any address that is a multiple of `align`; `symbols` are the global ones' offsets."""

    text: bytes
    align: int
    symbols: dict[str, int]


def link(objects: Sequence[tuple[str, bytes]], entry: str, machine: str) -> Linked:
    """Links the objects (name, ELF) of `machine` ("EM_ARM", "EM_RISCV", "EM_X86_64").

    What the entry does not reach is left out. Raises BadInput by name for a symbol that is missing, defined twice or
    common, for a section that is writable, for a relocation that is absolute or unknown, and for damaged objects.
    """
    files = [read_object(name, data, machine) for name, data in objects]
    globals_ = _globals(files)
    if entry not in globals_:
        raise BadInput(f"No object defines {entry}, where the module is entered.")
    first, start = globals_[entry]
    if start:
        raise BadInput(f"{entry} lies at {start} of its section, not at its beginning.", "-ffunction-sections")
    order = _reached(files, globals_, first)
    offsets, size = _lay_out(files, order)
    blob = bytearray(size)
    for key in order:
        data = _section(files, key).data
        blob[offsets[key] : offsets[key] + len(data)] = data
    linker = _Linker(files, globals_, offsets, blob, machine)
    for key in order:
        linker.relocate(key)
    align = max(_section(files, key).align for key in order)
    inside = {name: offsets[key] + value for name, (key, value) in globals_.items() if key in offsets}
    return Linked(bytes(blob), align, inside)


def _section(files: Sequence[ObjectFile], key: _Key) -> Section:
    return files[key[0]].sections[key[1]]


def _globals(files: Sequence[ObjectFile]) -> dict[str, tuple[_Key, int]]:
    """Name -> (section, value); a weak definition gives way."""
    found: dict[str, tuple[_Key, int]] = {}
    strong: set[str] = set()
    for number, file in enumerate(files):
        for symbol in file.symbols:
            if symbol.section == "common" and symbol.name:
                raise BadInput(
                    f"{file.name}: {symbol.name} is common, a writable static.", "-fno-common, and no statics"
                )
            if symbol.is_local or not isinstance(symbol.section, int) or symbol.section not in file.sections:
                continue
            if symbol.name in strong and not symbol.is_weak:
                raise BadInput(f"{file.name}: {symbol.name} is defined twice.")
            if symbol.name not in found or not symbol.is_weak:
                found[symbol.name] = ((number, symbol.section), symbol.value & ~_thumb(file, symbol))
            if not symbol.is_weak:
                strong.add(symbol.name)
    return found


def _defined(
    file: ObjectFile, number: int, symbol: Symbol, globals_: dict[str, tuple[_Key, int]]
) -> tuple[_Key, int] | None:
    if not symbol.is_local and symbol.name in globals_:
        return globals_[symbol.name]
    if isinstance(symbol.section, int) and symbol.section in file.sections:
        return (number, symbol.section), symbol.value & ~_thumb(file, symbol)
    return None


def _thumb(file: ObjectFile, symbol: Symbol) -> int:
    """The bit of a function's address that says Thumb, and is not part of its place."""
    return int(file.machine == "EM_ARM" and symbol.is_function)


def _reached(files: Sequence[ObjectFile], globals_: dict[str, tuple[_Key, int]], first: _Key) -> list[_Key]:
    """The sections that the entry needs, its own first, in the order in which they are found."""
    order, waiting, missing = {first: None}, [first], set()
    while waiting:
        number, index = waiting.pop(0)
        file = files[number]
        section = file.sections[index]
        _require_constant(file, section)
        for relocation in section.relocations:
            symbol = file.symbols[relocation.symbol]
            if BY_MACHINE[file.machine].get(relocation.kind, (1, None))[0] == 0:
                continue
            place = _defined(file, number, symbol, globals_)
            if place is None:
                missing.add(symbol.name or "a symbol without a name")
            elif place[0] not in order:
                order[place[0]] = None
                waiting.append(place[0])
    if missing:
        raise BadInput(f"Not defined: {', '.join(sorted(missing))}.")
    return list(order)


def _require_constant(file: ObjectFile, section: Section) -> None:
    if section.is_writable and section.size:
        raise BadInput(
            f"{file.name}: {section.name} holds {section.size} writable bytes, and a native module has none.",
            "State belongs into the caller's arena.",
        )
    if section.align > (most := MAX_ALIGN[file.machine]):
        raise BadInput(f"{file.name}: {section.name} is aligned to {section.align}, the most is {most}.")


def _lay_out(files: Sequence[ObjectFile], order: Sequence[_Key]) -> tuple[dict[_Key, int], int]:
    offsets, at = {}, 0
    for key in order:
        section = _section(files, key)
        at = -(-at // section.align) * section.align
        offsets[key] = at
        at += section.size
    if at > MAX_TEXT_BYTES:
        raise BadInput(f"The module has {at} bytes of text, the most is {MAX_TEXT_BYTES}.")
    return offsets, at


@dataclass(frozen=True)
class _Linker:
    files: Sequence[ObjectFile]
    globals_: dict[str, tuple[_Key, int]]
    offsets: dict[_Key, int]
    blob: bytearray
    machine: str

    def relocate(self, key: _Key) -> None:
        """Applies a section's relocations; none may leave the section."""
        section = _section(self.files, key)
        highs = {r.offset: r for r in section.relocations if r.kind.endswith("PCREL_HI20")}
        for relocation in section.relocations:
            size, apply = BY_MACHINE[self.machine].get(relocation.kind, (0, None))
            where = f"{self.files[key[0]].name}: {section.name}+{relocation.offset:#x}"
            if apply is None:
                raise BadInput(
                    f"{where}: {relocation.kind} is not one that position independent code without a table needs.",
                    "-fPIC -fvisibility=hidden",
                )
            if size == 0:
                continue
            if not 0 <= relocation.offset <= len(section.data) - size:
                raise BadInput(f"{where}: {relocation.kind} leaves the section's {len(section.data)} bytes.")
            try:
                apply(self.blob, self._place(key, relocation, partial(self._high, key, highs)))
            except RelocationError as error:
                raise BadInput(f"{where}: {relocation.kind}: {error}.") from None

    def _target(self, key: _Key, relocation: Relocation) -> int:
        """The offset of a relocation's symbol in the blob."""
        file = self.files[key[0]]
        found = _defined(file, key[0], file.symbols[relocation.symbol], self.globals_)
        if found is None:
            raise RelocationError("its symbol is not defined")
        place, value = found
        if value > _section(self.files, place).size:
            raise RelocationError(f"its symbol lies at {value}, outside of its section")
        return self.offsets[place] + value

    def _place(self, key: _Key, relocation: Relocation, high_of: partial[int]) -> Place:
        symbol = self.files[key[0]].symbols[relocation.symbol]
        at = self.offsets[key] + relocation.offset
        return Place(at, self._target(key, relocation), relocation.addend, symbol.is_function, high_of)

    def _high(self, key: _Key, highs: dict[int, Relocation], target: int) -> int:
        high = highs.get(target - self.offsets[key])
        if high is None:
            raise RelocationError("no PCREL_HI20 lies where it points")
        return self._target(key, high) + (high.addend or 0)
