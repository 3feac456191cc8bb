"""SPLIT, SPLIT_V, UNPACK and PACK against the reference: operators of several outputs or inputs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import draw as d
import numpy as np
import pytest
from build_tflite import Node, T, const
from cases import Case, compare, generate
from hypothesis import strategies as st
from strategies import cases_of
from test_slices import typed

from tinygen.errors import BadInput
from tinygen.frontend.importer import import_tflite
from tinygen.memory.lifetimes import buffers_of
from tinygen.memory.planner import plan_memory
from tinygen.ops.lowering import lower

TYPES = ("int8", "int8", "int16", "int32", "float32", "bool")
SPLITS = {"SPLIT": "SplitOptions", "SPLIT_V": "SplitVOptions", "UNPACK": "UnpackOptions"}


def parted(kind: str, before: list[T], x: T, after: list[T], outputs: list[T], seed: int, **fields: int) -> Case:
    """A case of one operator of several outputs."""
    tensors = (*before, x, *after, *outputs)
    count = len(tensors) - len(outputs)
    ends = tuple(range(count, len(tensors)))
    node = Node(kind, tuple(range(count)), ends, SPLITS[kind], fields)
    return Case(tensors, (node,), (len(before),), ends, seed)


@cases_of(*SPLITS)
@st.composite
def splits(draw: st.DrawFn, kind: str) -> Case:
    shape = list(draw(d.shapes(1, 5, 60)))
    axis = draw(st.integers(0, len(shape) - 1))
    count = draw(st.integers(1, 11))
    extents = [draw(st.integers(1, 3))] * count
    if kind == "SPLIT_V":
        extents = [draw(st.integers(1, 4)) for _ in range(count)]
    elif kind == "UNPACK":
        extents = [1] * count
    shape[axis] = sum(extents)
    x = draw(typed(tuple(shape), *TYPES))
    shapes = [(*shape[:axis], *((n,) if kind != "UNPACK" else ()), *shape[axis + 1 :]) for n in extents]
    outputs = [replace(x, shape=s) for s in shapes]
    said = axis - len(shape) * draw(st.integers(0, 1))
    seed = draw(d.seeds)
    if kind == "SPLIT":
        scalar = T((), "int32", data=np.array(said, np.int32))
        return parted(kind, [draw(st.sampled_from((scalar, const([said]))))], x, [], outputs, seed, numSplits=count)
    if kind == "UNPACK":
        return parted(kind, [], x, [], outputs, seed, num=count, axis=said)
    sizes = list(extents)
    if draw(st.booleans()):
        sizes[draw(st.integers(0, count - 1))] = -1
    return parted(kind, [], x, [const(sizes), const([said])], outputs, seed, numSplits=count)


@cases_of("PACK")
@st.composite
def packs(draw: st.DrawFn) -> Case:
    shape = draw(d.shapes(0, 4, 60))
    x = draw(typed(shape, *TYPES, "int64"))
    count = draw(st.integers(1, 11))
    inputs = [x] * count
    if x.dtype == "int8" and count > 1 and draw(st.booleans()):
        inputs[1] = replace(x, data=np.random.default_rng(draw(d.seeds)).integers(-128, 128, shape).astype(np.int8))
    axis = draw(st.integers(0, len(shape)))
    y = replace(x, shape=(*shape[:axis], count, *shape[axis:]))
    fields = {"valuesCount": count, "axis": axis - (len(shape) + 1) * draw(st.integers(0, 1))}
    node = Node("PACK", tuple(range(count)), (count,), "PackOptions", fields)
    variable = tuple(i for i, t in enumerate(inputs) if t.data is None)
    return Case((*inputs, y), (node,), variable, (count,), draw(d.seeds))


def _many(_case: Case, refusal: str) -> bool:
    return "more than 10" in refusal


@pytest.mark.parametrize("kind", SPLITS)
def test_splits(tmp_path: Path, kind: str) -> None:
    assert compare(generate(splits(kind), 120), tmp_path, _many) > 70


def test_pack(tmp_path: Path) -> None:
    assert compare(generate(packs(), 120), tmp_path, _many) > 70


def _between(unused: bool) -> Case:
    """Two parts of a tensor, added; with `unused` a third that nobody reads."""
    x, part = d.q8((2, 6), 0.5, 3), d.q8((2, 3 - unused), 0.5, 3)
    tensors = (const([1]), x, part, part, replace(part, scales=(1.0,)), part)
    outputs = (2, 3, 5) if unused else (2, 3)
    split = Node("SPLIT", (0, 1), outputs, "SplitOptions", {"numSplits": len(outputs)})
    return Case(tensors, (split, Node("ADD", (3, 2), (4,), "AddOptions")), (1,), (4,), 5)


def test_parts_that_other_layers_read(tmp_path: Path) -> None:
    assert compare([_between(False), _between(True)], tmp_path) == 2


def test_parts_have_places_of_their_own() -> None:
    """All outputs of a layer are alive at once, those that nobody reads too."""
    graph = import_tflite(_between(True).model, "m")
    layers = lower(graph, frozenset())
    plan = plan_memory(buffers_of(graph, layers), len(layers))
    places = [range(at, at + 4) for at in (plan.offset_of(t) for t in graph.ops[0].outputs)]
    x = plan.offset_of(graph.inputs[0])
    places.append(range(x, x + 12))
    assert len({byte for place in places for byte in place}) == sum(map(len, places))


X = d.q8((2, 6), 0.5, 3)
HALF = d.q8((2, 3), 0.5, 3)


def _pack(count: int, **fields: int) -> Case:
    node = Node("PACK", (0, 1), (2,), "PackOptions", {"valuesCount": count, "axis": 0} | fields)
    return Case((HALF, HALF, d.q8((2, 2, 3), 0.5, 3)), (node,), (0, 1), (2,))


@pytest.mark.parametrize(
    "hostile",
    [
        parted("SPLIT", [const([2])], X, [], [HALF, HALF], 0),
        parted("SPLIT", [const([-3])], X, [], [HALF, HALF], 0),
        parted("SPLIT", [const([1, 1])], X, [], [HALF, HALF], 0),
        parted("SPLIT", [const([1], "int64")], X, [], [HALF, HALF], 0),
        parted("SPLIT", [const([1])], X, [], [HALF] * 4, 0),
        parted("SPLIT", [const([1])], X, [], [HALF, replace(HALF, dtype="uint8")], 0),
        parted("SPLIT", [T((1,), "int32")], X, [], [HALF, HALF], 0),
        parted("SPLIT_V", [], X, [const([3, 4]), const([1])], [HALF, d.q8((2, 4), 0.5, 3)], 0),
        parted("SPLIT_V", [], X, [const([-1, -1]), const([1])], [HALF, HALF], 0),
        parted("SPLIT_V", [], X, [const([6, -1]), const([1])], [X, HALF], 0),
        parted("SPLIT_V", [], X, [const([9, -3]), const([1])], [X, HALF], 0),
        parted("SPLIT_V", [], X, [const([3, 3]), const([1])], [HALF], 0),
        parted("SPLIT_V", [], X, [T((2,), "int32"), const([1])], [HALF, HALF], 0),
        parted("UNPACK", [], X, [], [d.q8((6,), 0.5, 3)] * 2, 0, num=3, axis=0),
        parted("UNPACK", [], X, [], [d.q8((6,), 0.5, 3)] * 3, 0, num=3, axis=0),
        parted("UNPACK", [], X, [], [d.q8((6,), 0.5, 3)] * 2, 0, num=2, axis=2),
        parted("UNPACK", [], replace(X, shape=()), [], [replace(X, shape=())], 0, num=1, axis=0),
        _pack(3),
        _pack(2, axis=3),
        _pack(2, axis=-4),
    ],
    ids=str,
)
def test_refused_in_one_line(hostile: Case) -> None:
    with pytest.raises(BadInput) as refusal:
        lower(import_tflite(hostile.model, "hostile"), frozenset())
    assert "\n" not in refusal.value.line and len(refusal.value.line) < 400
