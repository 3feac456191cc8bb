"""Fully connected weights that are few sub-vectors, stored as firmware/kernels/matmul_product.h reads them.

Product quantization (Wu et al., "Quantized Convolutional Neural Networks for Mobile Devices", 2016): the inputs are cut
into subspaces, and what a subspace's outputs have in common stands once, in a book, with a code for each output. Books
may stand for several subspaces side by side. Whether weights are of that kind is found by counting: all lengths that
divide the inputs, and books for 1, 2, 4, … and for all subspaces; what takes least is stored, exact to the bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..graph.ir import Array

#: Values of a sub-vector: at most as many as one 64-bit number tells apart.
LENGTHS = range(2, 9)
#: Codewords of a book: codes of 8 bits; of 4 up to NARROW.
MOST, NARROW = 256, 16
#: Codes of 8 bits are for sub-vectors of so many values: of pairs they save less than half, and a lookup costs more.
LEAST_WIDE = 3
#: Rows that are looked at: far more than fit a microcontroller.
MAX_ROWS = 1 << 15


@dataclass(frozen=True)
class Product:
    """A layer's weights: `books` [books, codewords, length], each for `share` subspaces; `codes` as they are stored."""

    books: Array
    codes: Array
    share: int

    @property
    def nbytes(self) -> int:
        """Bytes in flash."""
        return self.books.nbytes + self.codes.nbytes


def products(rows: Array) -> dict[int, Product]:
    """What int8 weights [outputs, inputs] are as books and codes, by a code's bits (4, 8), where that is smaller."""
    if not 0 < len(rows) <= MAX_ROWS or not rows.size:
        return {}
    return _products(rows.tobytes(), rows.shape)


@lru_cache(maxsize=64)
def _products(data: bytes, shape: tuple[int, int]) -> dict[int, Product]:
    rows = np.frombuffer(data, np.int8).reshape(shape)
    best: dict[int, tuple[int, int, int]] = {}
    for length in (length for length in LENGTHS if shape[1] % length == 0):
        for bits, share, nbytes in _shares(_keys(rows, length), length):
            best[bits] = min(best.get(bits, (rows.size, 0, 0)), (nbytes, length, share))
    return {
        bits: _made(rows, length, share, bits) for bits, (nbytes, length, share) in best.items() if nbytes < rows.size
    }


def _keys(rows: Array, length: int) -> Array:
    """[subspaces, outputs]: equal numbers for equal sub-vectors."""
    wide = np.zeros((len(rows), rows.shape[1] // length, 8), np.int8)
    wide[:, :, :length] = rows.reshape(len(rows), -1, length)
    keys: Array = wide.view(np.uint64)[:, :, 0].T
    return keys


def _shares(keys: Array, length: int) -> list[tuple[int, int, int]]:
    """(bits of a code, subspaces of a book, bytes of books and codes), as long as 8 bits are enough."""
    spaces, outputs = keys.shape
    found = []
    for share in (*(1 << i for i in range((spaces - 1).bit_length())), spaces):
        books = -(-spaces // share)
        padded = np.concatenate([keys, np.repeat(keys[-1:], books * share - spaces, axis=0)])
        ordered = np.sort(padded.reshape(books, -1), axis=1)
        codewords = int((ordered[:, 1:] != ordered[:, :-1]).sum(axis=1).max()) + 1
        if codewords > (MOST if length >= LEAST_WIDE else NARROW):
            break
        bits, codes = (4, -(-outputs // 2)) if codewords <= NARROW else (8, outputs)
        found.append((bits, share, books * codewords * length + spaces * codes))
    return found


def _made(rows: Array, length: int, share: int, bits: int) -> Product:
    keys = _keys(rows, length)
    found = [np.unique(keys[i : i + share], return_inverse=True) for i in range(0, len(keys), share)]
    books = np.zeros((len(found), max(len(words) for words, _ in found), length), np.int8)
    for book, (words, _) in zip(books, found):
        book[: len(words)] = words.view(np.int8).reshape(-1, 8)[:, :length]
    codes: Array = np.concatenate([codes.reshape(-1, len(rows)) for _, codes in found]).astype(np.uint8)
    if bits == 8:
        return Product(books, codes.T.reshape(-1), share)
    even = np.pad(codes, ((0, 0), (0, len(rows) % 2)))
    return Product(books, (even[:, ::2] | even[:, 1::2] << 4).reshape(-1), share)
