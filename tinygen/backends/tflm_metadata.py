"""An entry in a .tflite's metadata, written without TensorFlow: a new root before the file, which stays as it is.

Offsets in a flatbuffer count from where they stand and lead forward. So a new root table, with new vectors of buffers
and of metadata, goes to the front; both point on to the tables of the old file behind it, whose inner offsets do not
change. The front is a multiple of 16 bytes long: whatever was aligned stays aligned.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from ..errors import BadInput
from ..flatbuffer import root

_ALIGN = 16
_VERSION, _BUFFERS, _METADATA, _FIELDS = 0, 4, 6, 8  # slots of Model
_NAME, _BUFFER = 0, 1  # slots of Metadata


def with_metadata(model: bytes, name: str, content: bytes) -> bytes:
    """The model with `content` as its metadata `name`, in place of an entry of that name; always the same bytes.

    Raises BadInput for a damaged file, and for one whose buffers lie outside of the flatbuffer (over 2 GB).
    """
    old = root(model, b"TFL3")
    buffers = old.tables(_BUFFERS)
    if any(int(b.scalar(1, "<Q", 0)) > 1 for b in buffers):
        raise BadInput("A model whose buffers lie behind the flatbuffer cannot take metadata.")
    entries = [entry for entry in old.tables(_METADATA) if entry.text(_NAME) != name]
    kept = [slot for slot in range(1, _FIELDS) if slot not in (_BUFFERS, _METADATA) and old.present(slot)]
    front = _Front()
    model_table = front.table([_VERSION, _BUFFERS, _METADATA, *kept])
    front.link(0, model_table.at)
    front.number(model_table.slots[_VERSION], old.uint32(_VERSION))
    for slot in kept:
        front.link(model_table.slots[slot], old.target(slot), old=True)
    all_buffers = front.vector(model_table.slots[_BUFFERS], [b.at for b in buffers])
    all_entries = front.vector(model_table.slots[_METADATA], [e.at for e in entries])
    buffer = front.table([0])
    front.link(all_buffers, buffer.at)
    front.link(buffer.slots[0], front.data(content, len(content)))
    entry = front.table([_NAME, _BUFFER])
    front.link(all_entries, entry.at)
    front.number(entry.slots[_BUFFER], len(buffers))
    front.link(entry.slots[_NAME], front.data(name.encode() + b"\0", len(name.encode())))
    return front.before(model)


@dataclass(frozen=True)
class _Table:
    """A table in the front, and where its fields lie, four bytes each."""

    at: int
    slots: dict[int, int]


@dataclass
class _Front:
    """The bytes before the old file; links are filled in when their number, and so the front's length, is known."""

    raw: bytearray = field(default_factory=lambda: bytearray(b"\0\0\0\0TFL3"))
    links: list[tuple[int, int, bool]] = field(default_factory=list)

    def table(self, slots: list[int]) -> _Table:
        """A table with those fields, all of four bytes."""
        slots = sorted(slots)
        vtable = len(self.raw)
        offsets = [4 + 4 * slots.index(slot) if slot in slots else 0 for slot in range(slots[-1] + 1)]
        self.raw += struct.pack(f"<{2 + len(offsets)}H", 4 + 2 * len(offsets), 4 + 4 * len(slots), *offsets)
        self._align(4)
        at = len(self.raw)
        self.raw += struct.pack("<i", at - vtable) + bytes(4 * len(slots))
        return _Table(at, {slot: at + 4 + 4 * i for i, slot in enumerate(slots)})

    def vector(self, owner: int, tables: list[int]) -> int:
        """A vector of the old file's tables and one more, which the field at `owner` leads to; where that one is."""
        self.link(owner, len(self.raw))
        self.raw += struct.pack("<I", len(tables) + 1)
        for table in tables:
            self.link(len(self.raw), table, old=True)
            self.raw += bytes(4)
        self.raw += bytes(4)
        return len(self.raw) - 4

    def data(self, content: bytes, length: int) -> int:
        """A vector of bytes or a string, its first byte at a multiple of 16; where it is."""
        self.raw += bytes(-(len(self.raw) + 4) % _ALIGN)
        at = len(self.raw)
        self.raw += struct.pack("<I", length) + content
        self._align(4)
        return at

    def number(self, place: int, value: int) -> None:
        """A uint32."""
        struct.pack_into("<I", self.raw, place, value)

    def link(self, place: int, target: int, *, old: bool = False) -> None:
        """An offset from `place` to a place in the front, or in the old file."""
        self.links.append((place, target, old))

    def before(self, old: bytes) -> bytes:
        """The whole file."""
        self._align(_ALIGN)
        for place, target, behind in self.links:
            self.number(place, target + (len(self.raw) if behind else 0) - place)
        return bytes(self.raw) + old

    def _align(self, to: int) -> None:
        self.raw += bytes(-len(self.raw) % to)
