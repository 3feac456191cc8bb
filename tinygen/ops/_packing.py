"""Rows of int8 weights stored compressed, as firmware/kernels/tg_packed.h reads them: sparse, by codes, or both.

Zeros are left out under a bitmap of blocks: one weight, or 2 to 16 side by side where zeros come so. Where there are at
most 16 values, weights are codes of 4 bits (weight sharing of Deep Compression, Han 2015); see _codes.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..graph.ir import Array
from ._codes import Coded, Table, coded

#: A block is 2^0 to 2^4 weights.
BLOCK_LOG2 = range(5)
#: Rows that are looked at: far more than fit a microcontroller.
MAX_ROWS = 1 << 15


@dataclass(frozen=True)
class Packing:
    """A layer's weights in one form: "sparse", "lut" or "sparse_lut"; `data` are the rows one after the other."""

    form: str
    data: Array
    block_log2: int = 0
    table: Table | None = None

    @property
    def nbytes(self) -> int:
        """Bytes in flash."""
        return self.data.nbytes + (self.table.nbytes if self.table else 0)


def packings(rows: Array, scales: Sequence[float]) -> dict[str, Packing]:
    """What int8 weights [rows, n] are in each form that is smaller than they; `scales` are one a row, or one."""
    if not 0 < len(rows) <= MAX_ROWS or not rows.size:
        return {}
    return _packings(rows.tobytes(), rows.shape, tuple(scales))


@lru_cache(maxsize=64)
def _packings(data: bytes, shape: tuple[int, int], scales: tuple[float, ...]) -> dict[str, Packing]:
    rows = np.frombuffer(data, np.int8).reshape(shape)
    found = (_sparse(rows), _lut(rows, scales), _sparse_lut(rows, scales))
    return {packing.form: packing for packing in found if packing and packing.nbytes < rows.size}


def _sparse(rows: Array) -> Packing | None:
    log2 = min(_blocks(rows), key=lambda log2: (_sparse_bytes(rows, log2, 1), -log2))
    if _sparse_bytes(rows, log2, 1) >= rows.size:
        return None
    bitmaps, live = _live(rows, log2)
    stored = [row[kept].view(np.uint8) for row, kept in zip(rows, live)]
    return Packing("sparse", _joined(bitmaps, stored), log2)


def _lut(rows: Array, scales: Sequence[float]) -> Packing | None:
    found = coded(rows, np.ones(rows.shape, bool), scales)
    if found is None:
        return None
    return Packing("lut", _joined(_heads(found), [_nibbles(row) for row in found.codes]), table=found.table)


def _sparse_lut(rows: Array, scales: Sequence[float]) -> Packing | None:
    """Blocks of more than one weight may hold zeros, which are one more value: where they are too many, of one."""
    smallest = min(_blocks(rows), key=lambda log2: (_sparse_bytes(rows, log2, 2), -log2))
    for log2 in dict.fromkeys((smallest, 0)):
        bitmaps, live = _live(rows, log2)
        found = coded(rows, live, scales) if _sparse_bytes(rows, log2, 2) < rows.size else None
        if found:
            stored = [_nibbles(row[kept]) for row, kept in zip(found.codes, live)]
            return Packing("sparse_lut", _joined(_heads(found), bitmaps, stored), log2, found.table)
    return None


def _blocks(rows: Array) -> list[int]:
    return [log2 for log2 in BLOCK_LOG2 if rows.shape[1] % (1 << log2) == 0]


def _sparse_bytes(rows: Array, log2: int, a_byte: int) -> int:
    """Bytes of the sparse rows with that many weights a byte."""
    stored = np.count_nonzero(rows.reshape(len(rows), -1, 1 << log2).any(axis=2), axis=1) << log2
    bitmap = -(-(int(rows.shape[1]) >> log2) // 8)
    return len(rows) * bitmap + int(np.sum(-(-stored // a_byte)))


def _live(rows: Array, log2: int) -> tuple[list[Array], Array]:
    """(the bitmap of each row, which weights are stored)."""
    blocks = rows.reshape(len(rows), -1, 1 << log2).any(axis=2)
    return list(np.packbits(blocks, axis=1, bitorder="little")), np.repeat(blocks, 1 << log2, axis=1)


def _heads(found: Coded) -> list[Array]:
    """What each row begins with: its factor or its table; nothing where the layer has one table."""
    return [np.zeros(0, np.uint8)] * len(found.codes) if found.heads is None else list(found.heads)


def _joined(*parts: list[Array]) -> Array:
    """The rows one after the other, each of its parts."""
    joined: Array = np.concatenate([part for row in zip(*parts) for part in row]).astype(np.uint8)
    return joined


def _nibbles(codes: Array) -> Array:
    """Two codes a byte, the first in its lower half."""
    even = np.zeros(-(-len(codes) // 2) * 2, np.uint8)
    even[: len(codes)] = codes
    return even[::2] | even[1::2] << 4
