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

from ..graph.plan import Buffer, MemoryPlan
from .lifetimes import live_bytes

SEARCH_STEPS = 600


def plan_memory(buffers: Sequence[Buffer], steps: int) -> MemoryPlan:
    """A plan for buffers that are alive between step -1 and step `steps`."""
    tensors = [b for b in buffers if b.kind == "tensor"]
    bound = max(live_bytes(tensors, steps), default=0)
    floor = max(live_bytes(buffers, steps), default=0)
    best, size = _search(tuple(buffers), floor)
    return MemoryPlan(arena_bytes=size, lower_bound_bytes=bound, scratch_bytes=floor - bound, buffers=best)


def _search(buffers: tuple[Buffer, ...], floor: int) -> tuple[tuple[Buffer, ...], int]:
    indices = range(len(buffers))

    def duration(i: int) -> int:
        return buffers[i].last_use - buffers[i].first_use + 1

    orders = [
        sorted(indices, key=lambda i: (-buffers[i].nbytes, buffers[i].first_use, i)),
        sorted(indices, key=lambda i: (-buffers[i].nbytes * duration(i), i)),
        sorted(indices, key=lambda i: (-duration(i), -buffers[i].nbytes, i)),
        sorted(indices, key=lambda i: (buffers[i].first_use, -buffers[i].nbytes, i)),
    ]
    best_order, best, size = orders[0], buffers, -1
    for order in orders:
        placed, height = _first_fit(buffers, order)
        if size < 0 or height < size:
            best_order, best, size = order, placed, height
    generator = random.Random(0)
    for _ in range(min(SEARCH_STEPS, 40 * len(buffers) ** 2)):
        if size <= floor:
            break
        a, b = generator.randrange(len(buffers)), generator.randrange(len(buffers))
        order = list(best_order)
        order[a], order[b] = order[b], order[a]
        placed, height = _first_fit(buffers, order)
        if height <= size:
            best_order, best, size = order, placed, height
    return best, size


def _first_fit(buffers: tuple[Buffer, ...], order: Sequence[int]) -> tuple[tuple[Buffer, ...], int]:
    """(buffers with offsets, arena bytes) when they are placed in that order."""
    placed: dict[int, Buffer] = {}
    height = 0
    for i in order:
        buffer = buffers[i]
        taken = sorted((p.offset, p.offset + p.nbytes) for p in placed.values() if p.overlaps_in_time(buffer))
        offset = 0
        for start, end in taken:
            if offset + buffer.nbytes <= start:
                break
            offset = max(offset, -(-end // buffer.alignment) * buffer.alignment)
        placed[i] = replace(buffer, offset=offset)
        height = max(height, offset + buffer.nbytes)
    return tuple(placed[i] for i in range(len(buffers))), height
