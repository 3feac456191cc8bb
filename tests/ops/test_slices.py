"""SLICE and GATHER against the reference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import draw as d
import native
import numpy as np
import pytest
from build_tflite import T, const
from cases import ROUNDS, Case, compare, generate, one_op
from hypothesis import strategies as st
from strategies import cases_of

from tinygen.errors import BadInput
from tinygen.frontend.importer import import_tflite
from tinygen.ops.lowering import lower


@st.composite
def typed(draw: st.DrawFn, shape: tuple[int, ...], *dtypes: str) -> T:
    """A tensor of one of `dtypes`, quantized where it is int8."""
    dtype = draw(st.sampled_from(dtypes))
    return draw(d.activations(shape)) if dtype == "int8" else T(shape, dtype)


@cases_of("SLICE")
@st.composite
def slices(draw: st.DrawFn) -> Case:
    shape = draw(d.shapes(1, 5, 400))
    x = draw(typed(shape, "int8", "int8", "int16", "int32", "float32", "bool", "uint8"))
    begin = [draw(st.integers(0, n - 1)) for n in shape]
    size = [draw(st.integers(1, n - b)) for n, b in zip(shape, begin)]
    said = [-1 if n == b + s and draw(st.booleans()) else s for n, b, s in zip(shape, begin, size)]
    dtype = draw(st.sampled_from(("int32", "int32", "int64")))
    inputs = [x, const(begin, dtype), const(said, dtype)]
    return one_op("SLICE", inputs, replace(x, shape=tuple(size)), "SliceOptions", draw(d.seeds))


@cases_of("GATHER")
@st.composite
def gathers(draw: st.DrawFn) -> Case:
    shape = draw(d.shapes(1, 4, 200))
    x = draw(typed(shape, "int8", "int8", "float32", "int16"))
    axis = draw(st.integers(0, len(shape) - 1))
    batch = draw(st.sampled_from((0, 0, *range(axis + 1))))
    places = (*shape[:batch], *draw(d.shapes(0, 2, 9)))
    generator = np.random.default_rng(draw(d.seeds))
    values = generator.integers(0, shape[axis], (ROUNDS, *places)).astype(np.int32)
    y = replace(x, shape=(*shape[:axis], *places[batch:], *shape[axis + 1 :]))
    fields = {
        "axis": axis - len(shape) * draw(st.integers(0, 1)),
        "batchDims": batch - len(places) * (draw(st.integers(0, 1)) if len(places) > batch else 0),
    }
    constant = draw(st.sampled_from(("indices", "input", "none")))
    given: list[tuple[np.ndarray, ...]] = [(values[r],) for r in range(ROUNDS)]
    if constant == "input" and x.dtype == "int8":
        x = replace(x, data=generator.integers(-128, 128, shape).astype(np.int8))
    elif constant == "indices":
        return one_op("GATHER", [x, const(values[0])], y, "GatherOptions", draw(d.seeds), **fields)
    else:
        plain = one_op("GATHER", [x, const(values[0])], y, seed=draw(d.seeds)).samples()
        given = [(sample[0], values[r]) for r, sample in enumerate(plain)]
    return one_op("GATHER", [x, T(places, "int32")], y, "GatherOptions", 0, given, **fields)


def test_slice(tmp_path: Path) -> None:
    assert compare(generate(slices(), 150), tmp_path) > 100


def test_gather(tmp_path: Path) -> None:
    assert compare(generate(gathers(), 200), tmp_path) > 120


def test_indices_beyond_the_axis_are_held_to_it(tmp_path: Path) -> None:
    """The reference aborts or reads what lies beside; the firmware stays inside its input."""
    x, y = d.q8((3, 2), 0.5, 0), d.q8((4, 2), 0.5, 0)
    case = one_op("GATHER", [x, T((4,), "int32")], y, "GatherOptions")
    values = np.arange(6, dtype=np.int8).reshape(3, 2)
    wild = np.array([-1, 3, 2**31 - 1, -(2**31)], np.int32)
    (((got,),),) = native.run([import_tflite(case.model, "wild")], [[[values, wild]]], tmp_path)
    assert got.tolist() == [[0, 1], [4, 5], [4, 5], [0, 1]]


X = d.q8((2, 3, 4), 0.5, 3)


def _slice(begin: T, size: T, out: tuple[int, ...], x: T = X) -> Case:
    return one_op("SLICE", [x, begin, size], replace(x, shape=out), "SliceOptions")


def _gather(indices: T, out: tuple[int, ...], **fields: int) -> Case:
    return one_op("GATHER", [X, indices], replace(X, shape=out), "GatherOptions", **fields)


@pytest.mark.parametrize(
    "hostile",
    [
        _slice(const([0, 0, 2]), const([2, 3, 3]), (2, 3, 3)),
        _slice(const([0, 0, 4]), const([2, 3, -1]), (2, 3, 1)),
        _slice(const([0, 0, 2**62], "int64"), const([2, 3, 2**62], "int64"), (2, 3, 1)),
        _slice(const([-1, 0, 0]), const([1, 3, 4]), (1, 3, 4)),
        _slice(const([0, 0, 0]), const([0, 3, 4]), (1, 3, 4)),
        _slice(const([0, 0, 0]), const([-2, 3, 4]), (1, 3, 4)),
        _slice(const([0, 0]), const([2, 3]), (2, 3, 4)),
        _slice(const([[0, 0, 0]]), const([[2, 3, 4]]), (2, 3, 4)),
        _slice(const([0, 0, 0]), const([2, 3, 4], "int64"), (2, 3, 4)),
        _slice(const([0, 0, 0], "float32"), const([2, 3, 4]), (2, 3, 4)),
        _slice(T((3,), "int32"), const([2, 3, 4]), (2, 3, 4)),
        _slice(const([0, 0, 0]), const([1, 3, 4]), (2, 3, 4)),
        _slice(const([0] * 6), const([1] * 6), (1,) * 6, d.q8((1,) * 6, 1, 0)),
        _gather(const([0, 2]), (2, 3, 4)),
        _gather(const([-1, 0]), (2, 3, 4)),
        _gather(const([0, 1], "int64"), (2, 3, 4)),
        _gather(const([0.0, 1.0], "float32"), (2, 3, 4)),
        _gather(const([0]), (1, 3, 4), axis=3),
        _gather(const([0]), (1, 3, 4), axis=-4),
        _gather(const([0, 0]), (2, 3, 4), batchDims=1),
        _gather(const([0, 0, 0]), (2, 3, 4), axis=1, batchDims=1),
        _gather(const([0, 0]), (2, 2, 4), axis=1, batchDims=2),
        _gather(const([0, 0]), (2, 2, 4), axis=1, batchDims=-2),
        _gather(const([0, 1]), (3, 3, 4)),
    ],
    ids=str,
)
def test_refused_in_one_line(hostile: Case) -> None:
    with pytest.raises(BadInput) as refusal:
        lower(import_tflite(hostile.model, "hostile"), frozenset())
    assert "\n" not in refusal.value.line and len(refusal.value.line) < 400
