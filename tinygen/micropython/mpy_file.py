"""The .mpy file of a native module: header, names, constants, machine code.

Source: MicroPython's documentation, "MicroPython .mpy files", version 6.3, which 1.23 and later load.
"""

from __future__ import annotations

from collections.abc import Sequence

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
