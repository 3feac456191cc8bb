"""A bounds-checked reader of flatbuffers: every offset of a hostile file is held to the file before it is followed."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import BadInput

#: How each type is read, by its struct code.
_READ = {code: struct.Struct(code).unpack_from for code in ("<b", "<B", "<H", "<i", "<I", "<Q", "<f")}


class Damaged(BadInput):
    """The file is truncated, its offsets point outside of it, or it says the same bytes again and again."""


@dataclass(frozen=True)
class Table:
    """One table of a flatbuffer; fields are named by their slot in the schema, absent ones give the default."""

    data: bytes
    at: int

    def _read(self, fmt: str, at: int) -> Any:
        try:
            if at < 0:
                raise struct.error
            return _READ[fmt](self.data, at)[0]
        except struct.error:
            raise Damaged(f"The file is damaged: an offset points to byte {at} of {len(self.data)}.") from None

    @cached_property
    def _vtable(self) -> tuple[int, int]:
        """(position, bytes) of the list of the fields' places."""
        vtable = self.at - self._read("<i", self.at)
        return vtable, self._read("<H", vtable)

    def _slot(self, slot: int) -> int:
        """Position of a field, 0 where it is absent."""
        vtable, size = self._vtable
        if 4 + 2 * slot + 2 > size:
            return 0
        offset = self._read("<H", vtable + 4 + 2 * slot)
        return self.at + offset if offset else 0

    def scalar(self, slot: int, fmt: str, default: Any) -> Any:
        """A number; `fmt` is the struct code of its type ("<i" int32, "<b" int8, "<f" float32, …)."""
        at = self._slot(slot)
        return self._read(fmt, at) if at else default

    def int32(self, slot: int, default: int = 0) -> int:
        """An int32 field."""
        return int(self.scalar(slot, "<i", default))

    def int8(self, slot: int, default: int = 0) -> int:
        """An int8 field: enumerations."""
        return int(self.scalar(slot, "<b", default))

    def uint8(self, slot: int, default: int = 0) -> int:
        """A uint8 field: union types."""
        return int(self.scalar(slot, "<B", default))

    def uint32(self, slot: int, default: int = 0) -> int:
        """A uint32 field."""
        return int(self.scalar(slot, "<I", default))

    def float32(self, slot: int, default: float = 0.0) -> float:
        """A float32 field."""
        return float(self.scalar(slot, "<f", default))

    def bool(self, slot: int) -> bool:
        """A bool field."""
        return bool(self.scalar(slot, "<B", 0))

    def _vector(self, slot: int, item: int) -> tuple[int, int]:
        """(position, length) of a vector's items."""
        at = self._slot(slot)
        if not at:
            return 0, 0
        start = at + self._read("<I", at)
        length = self._read("<I", start)
        if start + 4 + length * item > len(self.data):
            raise Damaged(f"The file is damaged: a vector of {length} items at byte {start} passes its end.")
        return start + 4, length

    def array(self, slot: int, dtype: str) -> npt.NDArray[Any]:
        """A vector of numbers of a little-endian numpy `dtype` ("<i4"); empty where absent. Read-only, not a copy."""
        start, length = self._vector(slot, np.dtype(dtype).itemsize)
        return np.frombuffer(self.data, dtype, length, start) if length else np.empty(0, dtype)

    def present(self, slot: int) -> Any:
        """Whether the field is there at all."""
        return bool(self._slot(slot))

    def ints(self, slot: int, most: int) -> tuple[int, ...]:
        """A vector of int32 as numbers. Damaged where there are more than `most`: vectors may share their bytes, so
        that a small file can claim as much as a large one."""
        start, length = self._vector(slot, 4)
        if length > most:
            raise Damaged(f"The file is damaged: a list of {length} numbers where {most} are the most.")
        return struct.unpack_from(f"<{length}i", self.data, start)

    def text(self, slot: int, most: int = 256) -> str:
        """A string, its first `most` bytes; those that are no UTF-8 are replaced."""
        start, length = self._vector(slot, 1)
        return self.data[start : start + min(length, most)].decode("utf-8", "replace")

    def target(self, slot: int) -> int:
        """Where a field that is an offset leads to (a table, vector or string); 0 where it is absent."""
        at = self._slot(slot)
        return int(at + self._read("<I", at)) if at else 0

    def table(self, slot: int) -> Table | None:
        """A table, None where absent."""
        at = self._slot(slot)
        return Table(self.data, at + self._read("<I", at)) if at else None

    def tables(self, slot: int, most: int = 1 << 20) -> list[Table]:
        """A vector of tables; Damaged where there are more than `most`."""
        start, length = self._vector(slot, 4)
        if length > most:
            raise Damaged(f"A list of {length} entries, where {most} are the most that a microcontroller's model has.")
        places = range(start, start + 4 * length, 4)
        return [Table(self.data, at + self._read("<I", at)) for at in places]


def root(data: bytes, identifier: bytes) -> Table:
    """The root table of a file that carries `identifier` at byte 4; Damaged where it does not."""
    if len(data) < 8 or data[4:8] != identifier:
        raise Damaged(f"Not a {identifier.decode()} file ({len(data)} bytes).")
    start = int.from_bytes(data[:4], "little")
    table = Table(data, start)
    table._read("<i", start)
    return table
