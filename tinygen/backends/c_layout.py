"""How generated C is laid out: numbers and calls broken into lines, tables of a comment in columns."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from ..graph.ir import Array
from .templating import c_float

_WIDTH = 116
_BLOCK = 1 << 12


def c_int(value: int) -> str:
    """An int64 as a C constant; none needs a type wider than it must have."""
    if value in (-(2**31), -(2**63)):
        return f"({c_int(value + 1)} - 1)"
    return str(value) if -(2**31) < value < 2**31 else f"INT64_C({value})"


def number_lines(data: Array) -> tuple[str, ...]:
    """An array's elements as the inside of a C initializer."""
    flat = data.reshape(-1)
    if data.dtype.kind == "f":
        return _joined([c_float(value) for value in flat.tolist()], _WIDTH - 8)
    known: dict[int, str] = {}  # no more strings than there are values: arrays may have millions of elements
    words: list[str] = []
    for start in range(0, len(flat), _BLOCK):
        values = flat[start : start + _BLOCK].tolist()
        known |= {value: c_int(int(value)) for value in set(values).difference(known)}
        words += [known[value] for value in values]
    return _joined(words, _WIDTH - 8)


def call_lines(function: str, args: Sequence[str]) -> tuple[str, ...]:
    """A call as one statement: on one line where it fits, else its arguments follow below."""
    line = f"{function}({', '.join(args)});"
    if len(line) <= _WIDTH - 4:
        return (line,)
    head = f"{function}("
    first, *rest = _joined([*args[:-1], f"{args[-1]});"], _WIDTH - 4 - len(head), last="")
    return (head + first, *(" " * len(head) + line for line in rest))


def columns(rows: Sequence[Sequence[str]], right: frozenset[int]) -> tuple[str, ...]:
    """Rows of cells in columns of their widest cell, two spaces apart; those in `right` are right-aligned."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return tuple(
        "  ".join(c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths))).rstrip()
        for row in rows
    )


def _joined(words: Sequence[str], width: int, last: str = ",") -> tuple[str, ...]:
    """Words with commas between them, as many on a line as fit; `last` follows the last word."""
    lines: list[str] = []
    start = 0
    while start < len(words):
        block = words[start : start + _BLOCK]
        ends = list(accumulate(map((2).__add__, map(len, block))))
        at, before = 0, 0
        while at < len(block):
            stop = max(at + 1, bisect_right(ends, before + width + 1, at))
            if stop == len(block) and at and start + stop < len(words):
                break  # the line goes on in the next block
            lines.append(", ".join(block[at:stop]))
            at, before = stop, ends[stop - 1]
        start += at
    return (*(f"{line}," for line in lines[:-1]), lines[-1] + last) if lines else ()
