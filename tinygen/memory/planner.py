"""Places buffers in the arena: first fit in several orders, then a search that stops at the lower bound.

1. The lower bound is the most bytes alive at any step: no plan without overlapping lives can be smaller.
2. First fit: take the buffers in some order, put each at the lowest offset where no buffer alive at the same time lies.
3. Orders tried: by size, by size × duration, by start, by the peak they belong to. Largest first is nearly always best.
4. Where none reaches the bound, swap neighbours of the best order at random (seeded) and keep what is not worse.

It does not promise the optimum (the problem is NP-hard); it promises that no two buffers overlap in time and space,
that every offset is aligned, and the same plan for the same graph.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..errors import BadInput
from ..graph.plan import Buffer, MemoryPlan
from .lifetimes import live_bytes

#: Far more than a microcontroller has, and offsets that stay far inside of 32 bits.
MAX_ARENA_BYTES = 1 << 29
SEARCH_STEPS = 600
#: Pairs of buffers that a search may look at: with many hundreds of them it takes fewer steps.
SEARCH_PAIRS = 25_000_000
#: Up to so many buffers, lists are quicker than numpy.
FEW = 200


def plan_memory(buffers: Sequence[Buffer], steps: int) -> MemoryPlan:
    """A plan for buffers that are alive between step -1 and step `steps`; BadInput beyond MAX_ARENA_BYTES."""
    tensors = [b for b in buffers if b.kind == "tensor"]
    bound = max(live_bytes(tensors, steps), default=0)
    floor = max(live_bytes(buffers, steps), default=0)
    offsets, size = _search(tuple(buffers), floor)
    if size > MAX_ARENA_BYTES:
        raise BadInput(f"The model's activations take an arena of {size} bytes, {MAX_ARENA_BYTES} are the most.")
    placed = tuple(replace(buffer, offset=offset) for buffer, offset in zip(buffers, offsets))
    return MemoryPlan(arena_bytes=size, lower_bound_bytes=bound, scratch_bytes=floor - bound, buffers=placed)


def _search(buffers: tuple[Buffer, ...], floor: int) -> tuple[list[int], int]:
    """(the buffers' offsets, arena bytes)."""
    indices = range(len(buffers))

    def duration(i: int) -> int:
        return buffers[i].last_use - buffers[i].first_use + 1

    orders = [
        sorted(indices, key=lambda i: (-buffers[i].nbytes, buffers[i].first_use, i)),
        sorted(indices, key=lambda i: (-buffers[i].nbytes * duration(i), i)),
        sorted(indices, key=lambda i: (-duration(i), -buffers[i].nbytes, i)),
        sorted(indices, key=lambda i: (buffers[i].first_use, -buffers[i].nbytes, i)),
    ]
    best_order, best, size = orders[0], [0] * len(buffers), -1
    for order in orders:
        if 0 <= size <= floor:
            break
        placed, height = _first_fit(buffers, order)
        if size < 0 or height < size:
            best_order, best, size = order, placed, height
    generator = random.Random(0)
    pairs = len(buffers) ** 2
    for _ in range(min(SEARCH_STEPS, 40 * pairs, SEARCH_PAIRS // max(1, pairs))):
        if size <= floor:
            break
        a, b = generator.randrange(len(buffers)), generator.randrange(len(buffers))
        order = list(best_order)
        order[a], order[b] = order[b], order[a]
        placed, height = _first_fit(buffers, order)
        if height <= size:
            best_order, best, size = order, placed, height
    return best, size


def _first_fit(buffers: tuple[Buffer, ...], order: Sequence[int]) -> tuple[list[int], int]:
    """(offsets, arena bytes) when the buffers are placed in that order."""
    offsets = _place_few(buffers, order) if len(buffers) <= FEW else _place_many(buffers, order)
    return offsets, max((offset + b.nbytes for offset, b in zip(offsets, buffers)), default=0)


def _place_few(buffers: tuple[Buffer, ...], order: Sequence[int]) -> list[int]:
    offsets = [0] * len(buffers)
    placed: list[tuple[int, int, int, int]] = []  # start, end, first and last use
    for i in order:
        first, last = buffers[i].first_use, buffers[i].last_use
        nbytes, alignment = buffers[i].nbytes, buffers[i].alignment
        offset = 0
        for start, end in sorted([p[:2] for p in placed if p[2] <= last and first <= p[3]]):
            if offset + nbytes <= start:
                break
            offset = max(offset, -(-end // alignment) * alignment)
        placed.append((offset, offset + nbytes, first, last))
        offsets[i] = offset
    return offsets


def _place_many(buffers: tuple[Buffer, ...], order: Sequence[int]) -> list[int]:
    """The same, a row of numpy's arithmetic for each buffer; those placed are kept by their start."""
    offsets = [0] * len(buffers)
    placed = np.empty((4, len(buffers)), np.int64)  # start, end, first and last use
    for count, i in enumerate(order):
        first, last = buffers[i].first_use, buffers[i].last_use
        nbytes, alignment = buffers[i].nbytes, buffers[i].alignment
        alive = np.flatnonzero((placed[2, :count] <= last) & (placed[3, :count] >= first))
        below = np.zeros(len(alive) + 1, np.int64)
        np.maximum.accumulate(placed[1, alive], out=below[1:])
        below = -(-below // alignment) * alignment
        fits = np.flatnonzero(below[:-1] + nbytes <= placed[0, alive])
        offset = int(below[fits[0] if len(fits) else -1])
        at = int(np.searchsorted(placed[0, :count], offset))
        placed[:, at + 1 : count + 1] = placed[:, at:count].copy()
        placed[:, at] = (offset, offset + nbytes, first, last)
        offsets[i] = offset
    return offsets
