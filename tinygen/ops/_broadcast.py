"""Broadcasting of two operands: the shape of the result, and loops of at most four dimensions with strides."""

from __future__ import annotations

import math

from ..graph.ir import Op
from .base import Shape, bad_layer, unsupported

LOOPS = 4


def broadcast_shape(op: Op, a: Shape, b: Shape) -> Shape:
    """numpy's rule; BadInput where the operands do not fit."""
    rank = max(len(a), len(b))
    left = (1,) * (rank - len(a)) + a
    right = (1,) * (rank - len(b)) + b
    if any(m != n and 1 not in (m, n) for m, n in zip(left, right)):
        raise bad_layer(op, f"operands {a} and {b} do not broadcast")
    return tuple(max(m, n) for m, n in zip(left, right))


def loops(op: Op, a: Shape, b: Shape) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """The fields `size`, `stride1`, `stride2` of tg_loops, outermost first.

    Neighbouring dimensions in which both operands advance alike are joined, so that equal shapes become one loop.
    """
    out = broadcast_shape(op, a, b)
    rank = len(out)
    left = (1,) * (rank - len(a)) + a
    right = (1,) * (rank - len(b)) + b
    joined: list[tuple[int, bool, bool]] = []  # size, does operand 1 advance, does operand 2
    for size, m, n in zip(out, left, right):
        if size == 1:
            continue
        moves = (m != 1, n != 1)
        if joined and joined[-1][1:] == moves:
            joined[-1] = (joined[-1][0] * size, *moves)
        else:
            joined.append((size, *moves))
    if len(joined) > LOOPS:
        raise unsupported(op, f"broadcasting {a} with {b} over more than {LOOPS} dimensions is not supported")
    joined = [(1, False, False)] * (LOOPS - len(joined)) + joined
    sizes = tuple(size for size, _, _ in joined)

    def strides(which: int) -> tuple[int, ...]:
        extents = [entry[0] if entry[which] else 1 for entry in joined]
        return tuple(math.prod(extents[i + 1 :]) if joined[i][which] else 0 for i in range(LOOPS))

    return (("size", sizes), ("stride1", strides(1)), ("stride2", strides(2)))
