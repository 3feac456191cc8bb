"""The .mpy file of a native module: header, names, constants, machine code.

Source: MicroPython's documentation, "MicroPython .mpy files", version 6.3, which 1.23 and later load.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import BadInput

VERSION, SUB_VERSION, SMALL_INT_BITS = 6, 3, 31
#: Name -> number of an architecture.
ARCHITECTURES = {"x64": 2, "armv6m": 4, "armv7m": 5, "armv7em": 6, "armv7emsp": 7, "armv7emdp": 8, "rv32imc": 11}
_FUNCTION_TABLE, _BYTES, _VIPER, _RELOCATED = 0, 6, 2, 0x10


def mpy_file(architecture: str, names: Sequence[str], blob: bytes, text: bytes) -> bytes:
    """The file. `names` become qstrs 0, 1, …; object 0 is the function table, object 1 `blob` where it is not empty.

    `text` is entered at its first byte. It is marked as relocated, though no relocation follows, so that MicroPython
    keeps it from its garbage collector. Raises BadInput for an architecture that has no native loader.
    """
    if architecture not in ARCHITECTURES:
        raise BadInput(f"No native .mpy for {architecture}: {', '.join(ARCHITECTURES)} have one.")
    parts = [b"M", bytes([VERSION, ARCHITECTURES[architecture] << 2 | SUB_VERSION, SMALL_INT_BITS])]
    parts += [_number(len(names)), _number(2 if blob else 1)]
    for name in names:
        parts += [_number(len(name.encode()) << 1), name.encode(), b"\0"]
    parts.append(bytes([_FUNCTION_TABLE]))
    if blob:
        parts += [bytes([_BYTES]), _number(len(blob)), blob, b"\0"]
    parts += [_number(len(text) << 3 | _VIPER), text, _number(_RELOCATED), b"\xff"]
    return b"".join(parts)


def _number(value: int) -> bytes:
    """Seven bits a byte, the highest first; all but the last have bit 7 set."""
    found = [value & 0x7F]
    while value := value >> 7:
        found.append(0x80 | value & 0x7F)
    return bytes(reversed(found))


@dataclass(frozen=True)
class MpyFile:
    """What a native .mpy holds."""

    architecture: str
    names: tuple[str, ...]
    blob: bytes
    text: bytes


def read_mpy(data: bytes) -> MpyFile:
    """A file as `mpy_file` writes it, part by part; BadInput for any other and for a damaged one."""
    reader = _Reader(data)
    header = reader.take(4)
    numbers = {number: name for name, number in ARCHITECTURES.items()}
    is_ours = header[:2] == bytes([ord("M"), VERSION]) and header[2] & 3 == SUB_VERSION and header[3] == SMALL_INT_BITS
    if not is_ours or header[2] >> 2 not in numbers:
        raise BadInput(f"Not a native .mpy file of version {VERSION}.{SUB_VERSION}.")
    count, objects = reader.number(), reader.number()
    names = tuple(reader.name() for _ in range(count))
    reader.expect(bytes([_FUNCTION_TABLE]))
    blob = b""
    if objects == 2:
        reader.expect(bytes([_BYTES]))
        blob = reader.take(reader.number())
        reader.expect(b"\0")
    kind = reader.number()
    text = reader.take(kind >> 3)
    reader.expect(_number(_RELOCATED) + b"\xff")
    if objects > 2 or kind & 7 != _VIPER or reader.at != len(data):
        raise BadInput("The .mpy file is none of tinygen's.")
    return MpyFile(numbers[header[2] >> 2], names, blob, text)


@dataclass
class _Reader:
    data: bytes
    at: int = 0

    def take(self, count: int) -> bytes:
        if not 0 <= count <= len(self.data) - self.at:
            raise BadInput("The .mpy file ends too early.")
        self.at += count
        return self.data[self.at - count : self.at]

    def expect(self, wanted: bytes) -> None:
        if self.take(len(wanted)) != wanted:
            raise BadInput("The .mpy file is none of tinygen's.")

    def number(self) -> int:
        value = 0
        for _ in range(5):
            byte = self.take(1)[0]
            value = value << 7 | byte & 0x7F
            if not byte & 0x80:
                return value
        raise BadInput("The .mpy file is damaged.")

    def name(self) -> str:
        size = self.number()
        text = self.take(size >> 1)
        self.expect(b"\0")
        if size & 1 or not text.isascii():
            raise BadInput("The .mpy file is none of tinygen's.")
        return text.decode()
