"""Frames of the serial protocol (docs/serial.md): '~', base64 without padding, end of line, among anything else.

In a frame: type, session and sequence number (16 bits, little-endian), payload, CRC-32 over all before it.
"""

from __future__ import annotations

import binascii
import re
import struct
import zlib
from dataclasses import dataclass

#: The type of an answer is its request's with this bit.
ANSWER = 0x80
_HEAD = struct.Struct("<BHH")
_CRC = struct.Struct("<I")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]*")
#: The longest frame that a device sends: 192 bytes of data with what is around them, and room for later versions.
_MAX_TEXT = 1024
_KEPT_CHATTER = 4096


@dataclass(frozen=True)
class Frame:
    """One frame; `session` and `sequence` are 0 to 65535."""

    type: int
    session: int
    sequence: int
    payload: bytes


def encode(frame: Frame) -> bytes:
    """The frame as it goes over the line, its end of line included."""
    body = _HEAD.pack(frame.type, frame.session, frame.sequence) + frame.payload
    raw = body + _CRC.pack(zlib.crc32(body))
    return b"~" + binascii.b2a_base64(raw, newline=False).rstrip(b"=") + b"\n"


def payload_room(characters: int) -> int:
    """The bytes of payload that fit a frame of `characters`, '~' and end of line counted."""
    return (characters - 2) * 3 // 4 - _HEAD.size - _CRC.size


def decode(text: bytes) -> Frame | None:
    """The frame whose base64 `text` is; None where it is none, or damaged."""
    if not _BASE64.fullmatch(text) or len(text) % 4 == 1:
        return None
    raw = binascii.a2b_base64(text + b"=" * (-len(text) % 4))
    if len(raw) < _HEAD.size + _CRC.size or _CRC.unpack(raw[-4:])[0] != zlib.crc32(raw[:-4]):
        return None
    kind, session, sequence = _HEAD.unpack_from(raw)
    return Frame(kind, session, sequence, raw[_HEAD.size : -4])


class Decoder:
    """Finds the frames in what a port reads; what is none is kept as chatter, the last 4 KiB of it."""

    def __init__(self) -> None:
        self._line = bytearray()
        self.chatter = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes, in order."""
        frames = []
        for piece in data.splitlines(keepends=True):
            self._line += piece
            if piece.endswith((b"\n", b"\r")):
                found = self._end_of_line(bytes(self._line))
                frames += [found] if found else []
                self._line.clear()
            elif len(self._line) > _MAX_TEXT:
                self._say(bytes(self._line))
                self._line.clear()
        return frames

    def _end_of_line(self, line: bytes) -> Frame | None:
        """The frame that ends a line, after whatever another program or a lost end of line has put before it."""
        before, mark, text = line.rstrip(b"\r\n").rpartition(b"~")
        frame = decode(text) if mark and len(text) <= _MAX_TEXT else None
        self._say(line if frame is None else before)
        return frame

    def _say(self, text: bytes) -> None:
        self.chatter += text
        del self.chatter[:-_KEPT_CHATTER]


def excerpt(said: bytes, length: int = 160) -> str:
    """The end of what was said, on one line, safe to print."""
    text = " ".join(bytes(said[-4 * length :]).decode("utf-8", "replace").split())
    safe = "".join(c if c.isprintable() else "?" for c in text)
    return safe if len(safe) <= length else f"…{safe[-length:]}"
