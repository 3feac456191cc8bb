"""Broadcasting of operands: the shape of the result, and loops of at most four dimensions with strides."""

from __future__ import annotations

import math

from ..graph.ir import Op
from .base import Shape, bad_layer, unsupported

LOOPS = 4


def broadcast_shape(op: Op, *operands: Shape) -> Shape:
    """numpy's rule; BadInput where the operands do not fit."""
    rank = max(len(shape) for shape in operands)
    columns = list(zip(*(_padded(shape, rank) for shape in operands)))
    if any(len(set(column) - {1}) > 1 for column in columns):
        raise bad_layer(op, f"operands {_listed(operands, ' and ')} do not broadcast")
    return tuple(max(column) for column in columns)


def loops(op: Op, *operands: Shape) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """The fields `size`, `stride1`, `stride2` … of tg_loops, outermost first.

    Neighbouring dimensions in which all operands advance alike are joined, so that equal shapes become one loop.
    """
    out = broadcast_shape(op, *operands)
    columns = zip(*(_padded(shape, len(out)) for shape in operands))
    joined: list[tuple[int, tuple[bool, ...]]] = []  # size, does operand i advance
    for size, column in zip(out, columns):
        if size == 1:
            continue
        moves = tuple(n != 1 for n in column)
        if joined and joined[-1][1] == moves:
            joined[-1] = (joined[-1][0] * size, moves)
        else:
            joined.append((size, moves))
    if len(joined) > LOOPS:
        over = f"over more than {LOOPS} dimensions is not supported"
        raise unsupported(op, f"broadcasting {_listed(operands, ' with ')} {over}")
    joined = [(1, (False,) * len(operands))] * (LOOPS - len(joined)) + joined

    def strides(which: int) -> tuple[int, ...]:
        extents = [size if moves[which] else 1 for size, moves in joined]
        return tuple(math.prod(extents[i + 1 :]) if joined[i][1][which] else 0 for i in range(LOOPS))

    sizes = tuple(size for size, _ in joined)
    return (("size", sizes), *((f"stride{i + 1}", strides(i)) for i in range(len(operands))))


def _padded(shape: Shape, rank: int) -> Shape:
    return (1,) * (rank - len(shape)) + shape


def _listed(operands: tuple[Shape, ...], between: str) -> str:
    return between.join(str(shape) for shape in operands)
