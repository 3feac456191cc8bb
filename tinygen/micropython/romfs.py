"""A ROMFS image: the read-only file system from which MicroPython imports in place.

Source: the format's description at the head of MicroPython's extmod/vfs_rom.c. A record is its kind, its payload's
length and the payload; numbers are big-endian, seven bits a byte, bit 7 set where more follow.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import BadInput

#: The kind of the outermost record, 0x14a6b1, as it is written.
_IMAGE = b"\xd2\xcd1"
_DATA, _DIRECTORY, _FILE = 2, 4, 5


def romfs_image(files: Mapping[str, bytes]) -> bytes:
    """The image of files by path ("lib/kws.mpy"), sorted by name in each directory; its length is even.

    Files lie unaligned, one record after the other. Raises BadInput for a path that no directory can hold.
    """
    tree: dict[str, _Node] = {}
    for path, data in sorted(files.items()):
        *parents, name = _parts(path)
        place = tree
        for parent in parents:
            found = place.setdefault(parent, {})
            if isinstance(found, bytes):
                raise BadInput(f"{path}: {parent} is a file, and cannot be a directory too.")
            place = found
        if name in place:
            raise BadInput(f"{path}: is a directory, and cannot be a file too.")
        place[name] = data
    payload = _directory(tree)
    length = _number(len(payload))
    if (len(_IMAGE) + len(length) + len(payload)) % 2:
        length = b"\x80" + length  # the same number, a byte longer
    return _IMAGE + length + payload


_Node = bytes | dict[str, "_Node"]


def _parts(path: str) -> list[str]:
    parts = path.split("/")
    if not path.isascii() or not path.isprintable() or any(part in ("", ".", "..") for part in parts):
        raise BadInput(f"{path!r} is no path of a file in a ROMFS image.", "Printable ASCII, parts divided by one /.")
    return parts


def _directory(tree: Mapping[str, _Node]) -> bytes:
    found = b""
    for name, node in sorted(tree.items()):
        begin = _number(len(name)) + name.encode()
        if isinstance(node, bytes):
            found += _record(_FILE, begin + _record(_DATA, node))
        else:
            found += _record(_DIRECTORY, begin + _directory(node))
    return found


def _record(kind: int, payload: bytes) -> bytes:
    return _number(kind) + _number(len(payload)) + payload


def _number(value: int) -> bytes:
    found = [value & 0x7F]
    while value := value >> 7:
        found.append(0x80 | value & 0x7F)
    return bytes(reversed(found))
