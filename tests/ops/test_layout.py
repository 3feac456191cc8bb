"""Operators that move bytes: CONCATENATION, PAD, PADV2, TRANSPOSE, STRIDED_SLICE, RESHAPE, SQUEEZE, EXPAND_DIMS."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import draw as d
import numpy as np
import pytest
from build_tflite import Node, T, const
from cases import Case, compare, generate, one_op
from hypothesis import strategies as st
from strategies import cases_of

VIEWS = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")


@st.composite
def _typed(draw: st.DrawFn, shape: tuple[int, ...], dtypes: tuple[str, ...]) -> T:
    dtype = draw(st.sampled_from(dtypes))
    if dtype in ("int8", "int16"):
        zero = draw(d.zero_points) if dtype == "int8" else draw(st.sampled_from((0, 0, 0, 9)))
        return T(shape, dtype, (draw(d.scales()),), (zero,))
    return T(shape, dtype)


@cases_of("CONCATENATION")
@st.composite
def _concatenation(draw: st.DrawFn) -> Case:
    shape = draw(d.shapes(1, 5, 120))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    x = draw(_typed(shape, ("int8", "int8", "int8", "int16", "int32", "int64", "float32", "bool", "uint8")))
    count = draw(st.integers(1, 11))
    operands, total = [], 0
    for _ in range(count):
        extents = list(shape)
        extents[axis] = draw(st.integers(1, 4))
        total += extents[axis]
        operand = replace(x, shape=tuple(extents))
        if x.dtype == "int8" and operands and draw(st.integers(0, 3)) == 0:
            values = np.random.default_rng(draw(d.seeds)).integers(-128, 128, extents).astype(np.int8)
            operand = replace(operand, data=values)
        if x.dtype == "int8" and draw(st.integers(0, 40)) == 0:
            operand = replace(operand, scales=(operand.scales[0] * 2,))
        operands.append(operand)
    out = list(shape)
    out[axis] = total
    fused = draw(st.sampled_from((0,) * 9 + (1,)))
    return one_op(
        "CONCATENATION", operands, replace(x, shape=tuple(out)), "ConcatenationOptions", draw(d.seeds), axis=axis,
        fusedActivationFunction=fused,
    )  # fmt: skip


@cases_of("PAD", "PADV2")
@st.composite
def _pad(draw: st.DrawFn, kind: str) -> Case:
    shape = draw(d.shapes(1, 5, 120))
    x = draw(_typed(shape, ("int8", "int8", "int16", "int32", "float32", "uint8")))
    paddings = [[draw(st.sampled_from((0, 0, 1, 3))), draw(st.sampled_from((0, 0, 2)))] for _ in shape]
    y = replace(x, shape=tuple(n + a + b for n, (a, b) in zip(shape, paddings)))
    if x.dtype == "int8" and draw(st.integers(0, 4)) == 0:
        y = replace(y, zero_points=(draw(d.zero_points),))  # TFLM pads with the output's, and does not compare
    inputs = [x, const(paddings)]
    if kind == "PADV2" or draw(st.integers(0, 3)) == 0:
        value = np.array([draw(st.integers(-100, 100))], x.dtype) if x.dtype != "uint8" else np.array([200], "uint8")
        scales = y.scales if draw(st.integers(0, 8)) else tuple(s * 2 for s in y.scales)
        inputs.append(T((1,), x.dtype, scales, y.zero_points, data=value))
    return one_op(kind, inputs, y, f"{'PadV2' if kind == 'PADV2' else 'Pad'}Options", draw(d.seeds))


@cases_of("TRANSPOSE")
@st.composite
def _transpose(draw: st.DrawFn) -> Case:
    shape = draw(d.shapes(1, 5, 400))
    x = draw(_typed(shape, ("int8", "int8", "int16", "float32", "int32", "uint8")))
    order = draw(st.permutations(range(len(shape))))
    y = replace(x, shape=tuple(shape[i] for i in order))
    return one_op("TRANSPOSE", [x, const(order)], y, "TransposeOptions", draw(d.seeds))


def _bits(mask: int, dim: int) -> bool:
    return bool(mask >> dim & 1)


@cases_of("STRIDED_SLICE")
@st.composite
def _slice(draw: st.DrawFn) -> Case:
    shape = draw(d.shapes(1, 4, 400))
    x = draw(_typed(shape, ("int8", "int8", "int16", "int32", "float32", "bool", "uint8")))
    masks = [draw(st.integers(0, 2 ** len(shape) - 1)) for _ in range(2)]
    shrink = draw(st.integers(0, 2 ** len(shape) - 1)) & draw(st.integers(0, 2 ** len(shape) - 1))
    begin, end, step, out = [], [], [], []
    for dim, n in enumerate(shape):
        stride = draw(st.sampled_from((1, 1, 1, 2, 3, -1, -2)))
        if _bits(shrink, dim):
            stride = 1
            begin.append(draw(st.integers(-n, n - 1)))
            end.append(draw(st.integers(-n, n)))
            step.append(stride)
            continue
        a, b = draw(st.integers(-n - 1, n + 1)), draw(st.integers(-n - 1, n + 1))
        bounds = slice(None if _bits(masks[0], dim) else a, None if _bits(masks[1], dim) else b, stride)
        if not range(n)[bounds]:  # an empty slice is no tensor: take all
            a, b = (-n - 1, n + 1) if stride > 0 else (n, -n - 1)
            bounds = slice(None if _bits(masks[0], dim) else a, None if _bits(masks[1], dim) else b, stride)
        out.append(len(range(n)[bounds]))
        begin.append(a)
        end.append(b)
        step.append(stride)
    fields = {"beginMask": masks[0], "endMask": masks[1], "shrinkAxisMask": shrink}
    inputs = [x, const(begin), const(end), const(step)]
    return one_op("STRIDED_SLICE", inputs, replace(x, shape=tuple(out)), "StridedSliceOptions", draw(d.seeds), **fields)


@cases_of(*VIEWS)
@st.composite
def _view(draw: st.DrawFn, kind: str) -> Case:
    shape = draw(d.shapes(1, 4, 200))
    x = draw(_typed(shape, ("int8", "int8", "int16", "float32")))
    if kind == "RESHAPE":
        out = draw(st.permutations([*shape, 1]))
        return one_op(kind, [x, const(out)], replace(x, shape=tuple(out)), "ReshapeOptions", draw(d.seeds))
    if kind == "EXPAND_DIMS":
        axis = draw(st.integers(-len(shape) - 1, len(shape)))
        out = tuple(np.expand_dims(np.empty(shape), axis).shape)
        return one_op(kind, [x, const([axis])], replace(x, shape=out), "ExpandDimsOptions", draw(d.seeds))
    ones = [i - len(shape) * draw(st.integers(0, 1)) for i, n in enumerate(shape) if n == 1]
    named = ones[: draw(st.integers(0, len(ones)))]
    gone = {i % len(shape) for i in (named or ones)}
    out = tuple(n for i, n in enumerate(shape) if i not in gone)
    return one_op(kind, [x], replace(x, shape=out), "SqueezeOptions", draw(d.seeds), squeezeDims=np.array(named, "i4"))


def test_concatenation(tmp_path: Path) -> None:
    assert compare(generate(_concatenation(), 200), tmp_path) > 90


@pytest.mark.parametrize("kind", ["PAD", "PADV2"])
def test_pad(tmp_path: Path, kind: str) -> None:
    assert compare(generate(_pad(kind), 150), tmp_path) > 80


def test_transpose(tmp_path: Path) -> None:
    assert compare(generate(_transpose(), 150), tmp_path) > 80


def test_strided_slice(tmp_path: Path) -> None:
    assert compare(generate(_slice(), 250), tmp_path) > 150


@pytest.mark.parametrize("kind", VIEWS)
def test_views(tmp_path: Path, kind: str) -> None:
    assert compare(generate(_view(kind), 50), tmp_path) > 30


def test_views_between_operators_cost_nothing(tmp_path: Path) -> None:
    """A view in the middle of a model shares its input's bytes; the ends of a model have bytes of their own."""
    x = d.q8((2, 1, 6), 0.5, 3)
    shapes = [(2, 6), (1, 2, 6), (1, 12)]
    tensors = (x, *(replace(x, shape=s) for s in shapes), const([0]), const([1, 12]))
    nodes = (
        Node("SQUEEZE", (0,), (1,), "SqueezeOptions"),
        Node("EXPAND_DIMS", (1, 4), (2,), "ExpandDimsOptions"),
        Node("RESHAPE", (2, 5), (3,), "ReshapeOptions"),
    )
    assert compare([Case(tensors, nodes, (0,), (3,))], tmp_path) == 1
