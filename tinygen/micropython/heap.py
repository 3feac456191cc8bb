"""What a module takes of MicroPython's heap, by where its file is stored.

On a 32-bit core, measured with MicroPython's own accounting (gc.mem_alloc, blocks of 16 bytes) in firmware for QEMU:
- the code is copied into RAM at every import that is not frozen;
- the weights, one bytes object, are copied from a file; in a ROM filesystem and in frozen code they are used in place;
- two modules' objects and the helper, compiled by the import, take IMPORT_BYTES: 2,320 measured, and some labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Storage = Literal["file", "romfs", "frozen"]
STORAGES: tuple[Storage, ...] = get_args(Storage)
TOLD = {
    "file": "a file (`device/` copied to the board)",
    "romfs": "ROM filesystem",
    "frozen": "frozen into the firmware",
}
_BLOCK = 16
IMPORT_BYTES = 2560


def _blocks(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


@dataclass(frozen=True)
class Heap:
    """Bytes of the heap that a module takes, with its arena and one buffer each for samples and output."""

    text_bytes: int
    blob_bytes: int
    arena_bytes: int
    ends_bytes: int

    def parts(self, storage: Storage) -> dict[str, int]:
        """By name: what the import takes is "static"; the stack lies outside of the heap, in the firmware's share."""
        text = 0 if storage == "frozen" else _blocks(self.text_bytes)
        blob = _blocks(self.blob_bytes) if storage == "file" else 0
        kept = {
            "arena": _blocks(self.arena_bytes),
            "buffers": _blocks(self.ends_bytes),
            "static": text + blob + IMPORT_BYTES,
            "stack": 0,
        }
        return kept

    def total(self, storage: Storage) -> int:
        """The sum."""
        return sum(self.parts(storage).values())
