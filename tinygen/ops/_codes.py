"""Weights of few values as codes into a table: of the layer, scaled row by row, or of each row.

A layer quantized by output channel has other integers for the same value in every row. Then the values are kept once,
as centers common to all rows, and each row has a factor that brings them to its integers. The product is checked here
with the kernel's arithmetic: what is stored is exact to the bit, or it is not stored so. Where rows have nothing in
common (their scales are not the values', as after a batch normalization was folded in), each has a table of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..graph.ir import Array

CODES = 16
#: (bytes of a row's factor, the largest factor): the more bits it has, the fewer have the centers.
_FACTORS = ((2, (1 << 16) - 1), (3, (1 << 20) - 1), (3, (1 << 18) - 1), (3, (1 << 22) - 1))
#: How far an integer's value may lie from it, tried in this order: less than a half leaves room for rounding.
_REACHES = (0.4, 0.45, 0.48, 0.49, 0.495, 0.498, 0.499, 0.4995, 0.4998, 0.5)


@dataclass(frozen=True)
class Table:
    """What codes stand for: `values` of the layer, or `centers` as the kernel reads them.

    Centers are the bytes of a factor, their number, and themselves; without a factor each row has a table of its own.
    """

    values: Array | None = None
    centers: Array | None = None

    @property
    def nbytes(self) -> int:
        """Bytes in flash."""
        return sum(array.nbytes for array in (self.values, self.centers) if array is not None)


@dataclass(frozen=True)
class Coded:
    """A code for each weight, what they stand for, and the bytes that each row begins with."""

    codes: Array
    table: Table
    heads: Array | None = None

    @property
    def nbytes(self) -> int:
        """Bytes in flash besides the codes."""
        return self.table.nbytes + (0 if self.heads is None else self.heads.nbytes)


def coded(rows: Array, live: Array, scales: Sequence[float]) -> Coded | None:
    """The int8 weights [rows, n] that are `live` as codes, None where 16 are not enough."""
    values = np.unique(rows[live])
    if len(values) <= CODES:
        values = values if len(values) else np.zeros(1, np.int8)
        return Coded(np.searchsorted(values, rows).astype(np.uint8), Table(values))
    kinds = [np.unique(row[kept]) for row, kept in zip(rows, live)]
    if max(map(len, kinds)) > CODES:
        return None
    found = [_by_row(rows, kinds)]
    if len(scales) == len(rows):
        scaled = _scaled(rows, live, kinds, np.asarray(scales, np.float64))
        found += [scaled] if scaled else []
    return min(found, key=lambda way: way.nbytes)


def _by_row(rows: Array, kinds: list[Array]) -> Coded:
    """A table for each row, all as long as the longest."""
    length = max(map(len, kinds))
    heads = np.zeros((len(rows), length), np.int8)
    codes = np.zeros(rows.shape, np.uint8)
    for row, values in enumerate(kinds):
        heads[row, : len(values)] = values
        codes[row] = np.searchsorted(values, rows[row])
    return Coded(codes, Table(centers=np.array([0, length], np.int32)), heads.view(np.uint8))


def _scaled(rows: Array, live: Array, kinds: list[Array], scales: Array) -> Coded | None:
    """Codes of centers common to all rows.

    1. A row's integer q says that its value lies within (q ± 1/2) · scale.
    2. The fewest points that meet all these intervals: by their upper ends, each that no point meets opens a group.
    3. A group's center is the middle of what its intervals have in common.
    """
    if not (np.isfinite(scales) & (scales > 0)).all():
        return None
    pairs = [(row, int(q)) for row, values in enumerate(kinds) for q in values]
    for reach in _REACHES:
        grouped = _grouped(pairs, scales, reach)
        if grouped:
            centers, code_of = grouped
            codes = np.take_along_axis(code_of, rows.astype(np.int64) + 128, axis=1)
            found = _with_factors(rows, live, codes, centers, scales)
            if found:
                return found
    return None


def _grouped(pairs: list[tuple[int, int]], scales: Array, reach: float) -> tuple[Array, Array] | None:
    """(the centers, the code of each q + 128 of each row), None where more than 16 centers are needed."""
    groups: list[list[float]] = []
    code_of = np.zeros((len(scales), 256), np.uint8)
    intervals = (((q + reach) * scales[row], (q - reach) * scales[row], row, q) for row, q in pairs)
    for high, low, row, q in sorted(intervals):
        if not groups or low > groups[-1][1]:
            groups.append([low, high])
        if len(groups) > CODES:
            return None
        groups[-1][0] = max(groups[-1][0], low)
        code_of[row, q + 128] = len(groups) - 1
    return np.array(groups).mean(axis=1), code_of


def _with_factors(rows: Array, live: Array, codes: Array, centers: Array, scales: Array) -> Coded | None:
    """The codes with factors whose products with the centers round to the rows' integers, None where none do.

    A row of zeros has the factor 0, whatever its scale.
    """
    used = ((rows != 0) & live).any(axis=1)
    for width, most in _FACTORS:
        unit = most * scales[used].min()
        factors = np.where(used, np.rint(np.minimum(unit / scales, most)), 0).astype(np.int64)
        whole = np.rint(centers * 2.0**32 / unit)
        if np.abs(whole).max() >= 2**31:
            continue
        made = (whole.astype(np.int64) * factors[:, None] + (1 << 31)) >> 32
        if np.array_equal(np.take_along_axis(made, codes.astype(np.int64), axis=1)[live], rows[live]):
            heads = factors.astype("<u4").view(np.uint8).reshape(-1, 4)[:, :width]
            return Coded(codes, Table(centers=np.array([width, len(whole), *whole], np.int32)), heads)
    return None
