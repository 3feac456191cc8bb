"""Guard zones: in a checked build every buffer has bytes before and after it that nothing else alive may touch.

1. Each buffer grows by a zone on either side, and the grown buffers are planned as any others: buffers alive at the
   same time never overlap, so a zone lies inside no live buffer and shares no byte with another live zone.
2. The zone after a buffer starts at its very next byte, whatever its alignment.
3. One more zone stands at the arena's end for ever.

It does not promise to see a write that jumps over a zone, or one of the very bytes that a zone holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..graph.plan import Buffer, MemoryPlan
from .planner import plan_memory

#: Bytes of one zone; buffers are aligned to at most as many.
GUARD_BYTES = 16


def guarded_plan(buffers: Sequence[Buffer], steps: int) -> MemoryPlan:
    """A plan with guard zones; its sizes and its lower bound count them, its buffers' own places do not."""
    plan = plan_memory([replace(b, nbytes=b.nbytes + 2 * GUARD_BYTES) for b in buffers], steps)
    return replace(
        plan,
        arena_bytes=plan.arena_bytes + GUARD_BYTES,
        lower_bound_bytes=plan.lower_bound_bytes + GUARD_BYTES,
        buffers=tuple(
            replace(b, nbytes=b.nbytes - 2 * GUARD_BYTES, offset=b.offset + GUARD_BYTES) for b in plan.buffers
        ),
        guard_bytes=GUARD_BYTES,
    )
