"""Codebooks of a fully connected layer's kernel [inputs, outputs]: chosen, corrected by the data, ready for int8.

A kernel is gains[c] * books[s // share][codes[s, c]] in subspace s of output c, entries of a book from -1 to 1.
1. k-means of each book's sub-vectors, divided by their outputs' gains and weighted with the gains' squares.
2. Error correction (Wu et al. 2016): the squared error of the layer's responses is tr(Q'AQ) - 2 tr(Q'B) + const with
   A = E[xx'] and B = E[x y'], y what the layer shall respond; subspace by subspace codes and codewords are solved for
   while the others stay. With A = 1 and B = kernel that is the kernel's own error.
3. The converter's scale of an output is its largest magnitude over 127. So that a book's integers are the same in all
   outputs, each output uses a codeword with an entry of -1 or 1: the fewest and nearest become so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ._shared_values import channel_gains

Array = npt.NDArray[np.float64]
_ROUNDS, _SWEEPS = 25, 3


@dataclass
class Codebooks:
    """books [books, codewords, length], codes [subspaces, outputs], gains [outputs], ends: entries at -1 or 1.

    `zero`: the first codeword of each book is zero and stays so, for outputs without weights.
    """

    books: Array
    codes: npt.NDArray[np.int64]
    gains: Array
    ends: npt.NDArray[np.bool_]
    share: int
    zero: bool

    @property
    def sub_vectors(self) -> Array:
        """[inputs, outputs] without the gains."""
        spaces, outputs = self.codes.shape
        words = self.books[np.arange(spaces)[:, None] // self.share, self.codes]
        return np.asarray(words.transpose(0, 2, 1).reshape(-1, outputs))

    @property
    def kernel(self) -> Array:
        """[inputs, outputs]."""
        return self.sub_vectors * self.gains


def codebooks(
    kernel: Array, length: int, codewords: int, share: int, responses: tuple[Array, Array] | None, seed: int
) -> Codebooks:
    """Of a kernel whose inputs `length` divides; `responses` are A and B, where errors are corrected by data."""
    random = np.random.default_rng(seed)
    gains = channel_gains(kernel, True).astype(np.float64)
    dead = np.asarray(~kernel.any(axis=0))
    zero, spaces = bool(dead.any()), kernel.shape[0] // length
    vectors = (kernel / gains).reshape(spaces, length, -1).transpose(0, 2, 1)
    found = [_means(vectors[i : i + share], gains**2 * ~dead, codewords, zero, random)
             for i in range(0, spaces, share)]  # fmt: skip
    books = np.stack([words for words, _ in found])
    codes = np.concatenate([codes for _, codes in found])
    made = Codebooks(books, codes, gains, np.zeros(books.shape, bool), share, zero)
    a, b = responses if responses is not None else (np.eye(len(kernel)), kernel)
    for _ in range(_SWEEPS if responses is not None else 0):
        _correct(made, a, b, dead)
    _set_ends(made, dead)
    made.gains = _fitted_gains(made, a, b)
    return made


def _means(
    vectors: Array, weights: Array, count: int, zero: bool, random: np.random.Generator
) -> tuple[Array, npt.NDArray[np.int64]]:
    """(codewords, codes) of vectors [subspaces, outputs, length] by weighted k-means from a k-means++ start."""
    points, mass = vectors.reshape(-1, vectors.shape[2]), np.tile(weights, len(vectors))
    words = np.zeros((count, points.shape[1]))
    apart = np.square(points).sum(axis=1) if zero else np.ones(len(points))
    for k in range(int(zero), count):
        chances = mass * apart
        if chances.sum() > 0:
            words[k] = points[random.choice(len(points), p=chances / chances.sum())]
            away = np.square(points - words[k]).sum(axis=1)
            apart = away if k == 0 else np.minimum(apart, away)
    codes = np.zeros(len(points), np.int64)
    for _ in range(_ROUNDS):
        codes = (np.square(words).sum(axis=1) - 2 * points @ words.T).argmin(axis=1)
        total = np.bincount(codes, mass, count)
        sums = np.stack([np.bincount(codes, mass * column, count) for column in points.T], axis=1)
        moves = (total > 0) & (np.arange(count) >= int(zero))
        words[moves] = sums[moves] / total[moves, None]
    return words, codes.reshape(vectors.shape[:2])


def _correct(made: Codebooks, a: Array, b: Array, dead: npt.NDArray[np.bool_]) -> None:
    """One sweep over all subspaces' codes and all books' codewords, each solved while the others stay."""
    (spaces, _), (_, count, length), share = made.codes.shape, made.books.shape, made.share
    kernel = made.kernel
    rest = b - a @ kernel
    for s in range(spaces):
        rows = slice(s * length, (s + 1) * length)
        words, gram = made.books[s // share], a[rows, rows]
        wanted = rest[rows] + gram @ kernel[rows]
        own = np.einsum("ki,ij,kj->k", words, gram, words)
        cost = np.outer(own, made.gains**2) - 2 * made.gains * (words @ wanted)
        made.codes[s] = np.where(dead, made.codes[s], cost.argmin(axis=0))
        changed = words[made.codes[s]].T * made.gains
        rest -= a[:, rows] @ (changed - kernel[rows])
        kernel[rows] = changed
    for book, first in enumerate(range(0, spaces, share)):
        codes = made.codes[first : first + share]
        rows = slice(first * length, (first + len(codes)) * length)
        gram = a[rows, rows].reshape(len(codes), length, len(codes), length)
        for k in range(int(made.zero), count):
            uses = (codes == k) * made.gains
            if uses.any():
                matrix = np.einsum("st,sitj->ij", uses @ uses.T, gram)
                slope = np.einsum("sc,sic->i", uses, rest[rows].reshape(len(codes), length, -1))
                step = np.linalg.lstsq(matrix, slope, rcond=1e-8)[0]
                moved = np.clip(made.books[book, k] + step, -1, 1) - made.books[book, k]
                made.books[book, k] += moved
                rest -= a[:, rows] @ (uses[:, None, :] * moved[:, None]).reshape(-1, uses.shape[1])


def _set_ends(made: Codebooks, dead: npt.NDArray[np.bool_]) -> None:
    """Codewords' largest entries become -1 or 1, until each output that is not dead uses one such; greedily chosen."""
    books, count, length = made.books.shape
    np.clip(made.books, -1, 1, out=made.books)
    words, ends = made.books.reshape(-1, length), made.ends.reshape(-1, length)
    places = (np.arange(len(made.codes)) // made.share)[:, None] * count + made.codes
    uses = np.zeros((books * count, made.codes.shape[1]))
    np.add.at(uses, (places, np.arange(made.codes.shape[1])[None]), 1)
    top = np.abs(words).argmax(axis=1)
    size = np.abs(words).max(axis=1)
    price = (1 - size) ** 2 * (uses @ made.gains**2) + 1e-9
    open_ = ~dead & (size > 0) @ (uses > 0)
    while open_.any():
        gain = (uses[:, open_] > 0).sum(axis=1) * (size > 0)
        best = int((gain / price).argmax())
        words[best, top[best]] = np.sign(words[best, top[best]])
        ends[best, top[best]] = True
        open_ &= uses[best] == 0


def _fitted_gains(made: Codebooks, a: Array, b: Array) -> Array:
    """Each output's best gain, its codewords given; where that is not positive it stays."""
    unit = made.sub_vectors
    square, cross = (unit * (a @ unit)).sum(axis=0), (unit * b).sum(axis=0)
    best = cross / np.where(square > 0, square, 1.0)
    return np.where((square > 0) & (best > 0), best, made.gains)
