"""Guard zones of a checked build: disjoint from all that lives at the same time, and the struct of states with them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygen.backends.states import members, state_bytes, state_fields
from tinygen.graph.ir import Graph, State, Tensor
from tinygen.graph.plan import Buffer
from tinygen.memory.guards import GUARD_BYTES, guarded_plan
from tinygen.memory.planner import plan_memory

STEPS = 9


@st.composite
def buffers(draw: st.DrawFn) -> list[Buffer]:
    found = []
    for i in range(draw(st.integers(1, 12))):
        first = draw(st.integers(-1, STEPS))
        kind = draw(st.sampled_from(["tensor", "tensor", "scratch"]))
        last = first if kind == "scratch" else draw(st.integers(first, STEPS))
        tensors = (i,) if kind == "tensor" else ()
        found.append(
            Buffer(kind, draw(st.integers(1, 300)), first, last, tensors, i, draw(st.sampled_from([1, 4, 16])))
        )
    return found


def zones(buffer: Buffer) -> tuple[range, range]:
    end = buffer.offset + buffer.nbytes
    return range(buffer.offset - GUARD_BYTES, buffer.offset), range(end, end + GUARD_BYTES)


@given(buffers())
def test_a_live_zone_touches_nothing_alive(wanted: list[Buffer]) -> None:
    plan = guarded_plan(wanted, STEPS)
    assert plan.guard_bytes == GUARD_BYTES
    assert [(b.kind, b.nbytes, b.first_use, b.last_use, b.tensors, b.layer) for b in plan.buffers] == [
        (b.kind, b.nbytes, b.first_use, b.last_use, b.tensors, b.layer) for b in wanted
    ]
    for i, a in enumerate(plan.buffers):
        assert a.offset % a.alignment == 0
        before, after = zones(a)
        assert before.start >= 0 and after.stop <= plan.arena_bytes - GUARD_BYTES, "the arena's own zone is above"
        for b in plan.buffers[i + 1 :]:
            if a.overlaps_in_time(b):
                taken = {*range(b.offset, b.offset + b.nbytes), *zones(b)[0], *zones(b)[1]}
                assert taken.isdisjoint({*range(a.offset, a.offset + a.nbytes), *before, *after})


@given(buffers())
def test_its_figures_count_the_zones(wanted: list[Buffer]) -> None:
    plain, plan = plan_memory(wanted, STEPS), guarded_plan(wanted, STEPS)
    assert plan.arena_bytes >= plain.lower_bound_bytes + 3 * GUARD_BYTES
    assert plan.lower_bound_bytes >= plain.lower_bound_bytes + GUARD_BYTES
    assert plan.lower_bound_bytes + plan.scratch_bytes <= plan.arena_bytes and plan.padding_bytes >= 0


def streaming(*dtypes: str) -> Graph:
    """Variables of 3, 4, 5 ... values, the first of which starts from ones."""
    tensors, states = [], []
    for i, dtype in enumerate(dtypes):
        tensors.append(Tensor("t", (3 + i,), dtype))
        states.append(State(f"guard {i}", (i,), np.full(3 + i, i == 0, dtype)))
    return Graph("g", tuple(tensors), (), (), (), states=tuple(states))


@pytest.mark.parametrize(
    ("dtypes", "plain", "guarded"),
    [
        ((), 0, 0),
        (("int8",), 4 + 4, 16 + 3 + 16 + 1 + 4),
        (("int8", "int8"), 4 + 4 + 4, 16 + 3 + 16 + 1 + 4 + 16 + 4),
        (("int8", "int64"), 32 + 4 + 4, 16 + 32 + 16 + 3 + 16 + 1 + 4),
        (("int16", "int32"), 16 + 8 + 4, 16 + 16 + 16 + 6 + 16 + 2 + 4),
    ],
)
def test_the_struct_of_states(dtypes: tuple[str, ...], plain: int, guarded: int) -> None:
    """Widest first, each at a multiple of 4 or of its type; a zone begins at the byte behind a variable."""
    graph = streaming(*dtypes)
    assert state_bytes(graph) == plain
    align = 8 if "int64" in dtypes else 4
    assert state_bytes(graph, GUARD_BYTES) == -(-guarded // align) * align
    made = members(state_fields(graph), GUARD_BYTES)
    assert [m.is_guard for m in made] == [True, *[False, True] * len(dtypes)][: len(made)]
    assert len({m.name for m in made}) == len(made) == (2 * len(dtypes) + 1 if dtypes else 0)
