"""Zip files that somebody else made: their directory is held to limits before it is read, and so is each member."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path
from typing import IO

#: Bytes of a directory of more entries than a model or a data file has.
MAX_DIRECTORY_BYTES = 1 << 18
_END, _END_BYTES, _COMMENT_BYTES = b"PK\x05\x06", 22, 1 << 16
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def open_archive(path: Path) -> zipfile.ZipFile:
    """The archive, its directory read. Raises OSError, BadZipFile, or ValueError beyond MAX_DIRECTORY_BYTES."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _END_BYTES - _COMMENT_BYTES))
        tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or at + _END_BYTES > len(tail):
        raise zipfile.BadZipFile("no directory at its end")
    (directory,) = struct.unpack_from("<I", tail, at + 12)
    if directory > MAX_DIRECTORY_BYTES:  # so are those of more than 65,535 entries, which say 2^32 - 1 here
        raise ValueError(f"a directory of {directory} bytes, {MAX_DIRECTORY_BYTES} are the most")
    return zipfile.ZipFile(path)


def open_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> IO[bytes]:
    """A member as a stream; ValueError where it is encrypted or compressed in a way that nobody uses here."""
    if member.flag_bits & 1 or member.compress_type not in _METHODS:
        raise ValueError(f"{member.filename[:80]!r} is encrypted or compressed by method {member.compress_type}")
    return archive.open(member)
