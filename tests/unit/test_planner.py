"""The memory planner's invariants, over generated lifetimes and on the real models."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygen.frontend.importer import import_tflite
from tinygen.graph.plan import Buffer
from tinygen.memory.lifetimes import buffers_of, live_bytes
from tinygen.memory.planner import plan_memory
from tinygen.ops.lowering import lower

STEPS = 12
BOUNDS = {
    "kws_ref_int8": 16_000,
    "vww_96_int8": 55_296,
    "ic_resnet8_int8": 49_152,
    "ad01_int8": 768,
    "micro_speech_int8": 5_960,
    "hello_world_int8": 32,
}


@st.composite
def buffers(draw: st.DrawFn) -> list[Buffer]:
    found = []
    for i in range(draw(st.integers(1, 14))):
        first = draw(st.integers(-1, STEPS))
        last = draw(st.integers(first, STEPS))
        kind = draw(st.sampled_from(["tensor", "tensor", "tensor", "scratch"]))
        align = draw(st.sampled_from([1, 4, 8, 16]))
        tensors = (i,) if kind == "tensor" else ()
        found.append(Buffer(kind, draw(st.integers(1, 5000)), first, last, tensors, i, align))
    return found


@given(buffers())
def test_no_two_live_buffers_overlap(wanted: list[Buffer]) -> None:
    plan = plan_memory(wanted, STEPS)
    assert sorted((b.nbytes, b.first_use, b.last_use) for b in plan.buffers) == sorted(
        (b.nbytes, b.first_use, b.last_use) for b in wanted
    )
    for i, a in enumerate(plan.buffers):
        assert a.offset >= 0 and a.offset % a.alignment == 0
        assert a.offset + a.nbytes <= plan.arena_bytes
        for b in plan.buffers[i + 1 :]:
            if a.overlaps_in_time(b):
                assert a.offset + a.nbytes <= b.offset or b.offset + b.nbytes <= a.offset


@given(buffers())
def test_the_arena_lies_between_the_bound_and_the_sum(wanted: list[Buffer]) -> None:
    plan = plan_memory(wanted, STEPS)
    tensors = [b for b in wanted if b.kind == "tensor"]
    assert plan.lower_bound_bytes == max(live_bytes(tensors, STEPS), default=0)
    assert plan.lower_bound_bytes + plan.scratch_bytes <= plan.arena_bytes
    assert plan.arena_bytes <= sum(b.nbytes + b.alignment for b in wanted)
    assert plan.padding_bytes >= 0


@given(buffers())
def test_the_same_buffers_give_the_same_plan(wanted: list[Buffer]) -> None:
    assert plan_memory(wanted, STEPS) == plan_memory(list(wanted), STEPS)


def test_buffers_that_first_fit_by_size_places_badly_reach_the_bound() -> None:
    """A chain whose neighbours must not lie one above the other."""
    sizes = [7, 9, 5, 8, 6, 9, 4]
    chain = [Buffer("tensor", n, i, i + 1, (i,), alignment=1) for i, n in enumerate(sizes)]
    plan = plan_memory(chain, len(sizes))
    assert plan.arena_bytes == max(a + b for a, b in pairwise(sizes))


@pytest.mark.needs_models
@pytest.mark.parametrize("name", BOUNDS)
def test_real_models_reach_the_bound(name: str, models_dir: Path) -> None:
    graph = import_tflite((models_dir / f"{name}.tflite").read_bytes(), name)
    layers = lower(graph, frozenset())
    plan = plan_memory(buffers_of(graph, layers), len(layers))
    assert plan.lower_bound_bytes == BOUNDS[name]
    assert plan.arena_bytes - plan.scratch_bytes - plan.padding_bytes == BOUNDS[name]
    assert plan.padding_bytes <= 16


@pytest.mark.needs_models
def test_a_kept_input_stays_alive(models_dir: Path) -> None:
    graph = import_tflite((models_dir / "kws_ref_int8.tflite").read_bytes(), "kws")
    layers = lower(graph, frozenset())
    plan = plan_memory(buffers_of(graph, layers, keep_input=True), len(layers))
    mine = next(b for b in plan.buffers if graph.inputs[0] in b.tensors)
    for other in plan.buffers:
        if other is not mine:
            assert other.offset >= mine.offset + mine.nbytes or other.offset + other.nbytes <= mine.offset
