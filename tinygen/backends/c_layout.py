"""How generated C is laid out: numbers and calls broken into lines, tables of a comment in columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..graph.ir import Array
from .templating import c_float

_WIDTH = 116


def c_int(value: int) -> str:
    """An int64 as a C constant; none needs a type wider than it must have."""
    if value in (-(2**31), -(2**63)):
        return f"({c_int(value + 1)} - 1)"
    return str(value) if -(2**31) < value < 2**31 else f"INT64_C({value})"


def number_lines(data: Array) -> tuple[str, ...]:
    """An array's elements as the inside of a C initializer."""
    integers = data.dtype.kind in "iub"
    return _joined([c_int(int(v)) if integers else c_float(float(v)) for v in data.reshape(-1)], _WIDTH - 8)


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


def _joined(words: Iterable[str], width: int, last: str = ",") -> tuple[str, ...]:
    """Words with commas between them, as many on a line as fit; `last` follows the last word."""
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + len(word) + 3 <= width:
            lines[-1] += f", {word}"
        else:
            if lines:
                lines[-1] += ","
            lines.append(word)
    return (*lines[:-1], lines[-1] + last) if lines else ()
