"""Loops over two strided layouts, for kernels that have two: the outer ones are taken apart into their starts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from ..errors import BadInput
from ..graph.ir import Op

#: Starts that a layer may have, 8 bytes each.
MAX_STARTS = 4096

Loops = tuple[int, int, int, int, int, int]


def two_loops(
    op: Op, size: Sequence[int], first: Sequence[int], second: Sequence[int], start: tuple[int, int] = (0, 0)
) -> tuple[list[tuple[int, int]], Loops]:
    """(where the two layouts begin for each turn of the outer loops, the two inner loops).

    The inner loops are (count, stride in the first, in the second) twice, outermost first. BadInput where the starts
    are too many.
    """
    loops = [entry for entry in zip(size, first, second) if entry[0] != 1]
    loops = [(1, 0, 0)] * (2 - len(loops)) + loops
    outer, inner = loops[:-2], loops[-2:]
    count = 1
    for n, _, _ in outer:
        count *= n
    if count > MAX_STARTS:
        raise BadInput(
            f"{op.name}: {op.kind} in {len(loops)} loops of {tuple(n for n, _, _ in loops)} is not supported in viper.",
            "A native module or --runtime aot runs it.",
        )
    starts = []
    for turn in product(*(range(n) for n, _, _ in outer)):
        a, b = start
        for i, (_, x, y) in zip(turn, outer):
            a, b = a + i * x, b + i * y
        starts.append((a, b))
    return starts, (*inner[0], *inner[1])
