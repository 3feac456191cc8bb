"""Operators of two or three broadcast operands besides sums and products, against the reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import draw as d
import numpy as np
import pytest
from build_tflite import T
from cases import Case, compare, generate, one_op
from hypothesis import strategies as st
from strategies import cases_of


@st.composite
def _shapes(draw: st.DrawFn, count: int, low: int = 1, high: int = 5) -> list[tuple[int, ...]]:
    """Shapes that broadcast with one another: dimensions of 1 and missing leading ones."""
    whole = draw(d.shapes(low, high, 300))
    found = []
    for _ in range(count):
        drop = draw(st.integers(0, len(whole) - 1)) if draw(st.integers(0, 3)) == 3 else 0
        found.append(tuple(1 if draw(st.integers(0, 3)) == 3 else n for n in whole[drop:]))
    return found


@st.composite
def _maybe_constant(draw: st.DrawFn, operands: Sequence[T]) -> list[T]:
    """One of the operands a constant, now and then."""
    out = list(operands)
    if draw(st.integers(0, 3)) == 3:
        at = draw(st.integers(0, len(out) - 1))
        generator = np.random.default_rng(draw(d.seeds))
        t = out[at]
        low, high = (0, 2) if t.dtype == "bool" else (-128, 128)
        out[at] = replace(t, data=generator.integers(low, high, t.shape).astype(t.dtype))
    return out


def same_loops(_case: Case, refusal: str) -> bool:
    """Alternating broadcasts of five dimensions need more loops than the kernels have."""
    return "over more than 4 dimensions" in refusal


@cases_of("MAXIMUM", "MINIMUM")
@st.composite
def _extreme(draw: st.DrawFn, kind: str) -> Case:
    a, b = draw(_shapes(2))
    out = np.broadcast_shapes(a, b)
    dtype = draw(st.sampled_from(("int8", "int8", "int16", "int32")))
    if dtype == "int32":
        operands, y = [T(a, dtype), T(b, dtype)], T(out, dtype)
    else:
        x = replace(draw(d.activations(a)), dtype=dtype)
        operands, y = [x, replace(x, shape=b)], replace(x, shape=out)
        if draw(st.integers(0, 3)) == 3:  # scales are not looked at
            operands[1] = replace(operands[1], scales=(x.scales[0] * 3,), zero_points=(5,))
    options = "MaximumMinimumOptions"
    return one_op(kind, draw(_maybe_constant(operands)), y, options, draw(d.seeds))


@pytest.mark.parametrize("kind", ["MAXIMUM", "MINIMUM"])
def test_larger_and_smaller(tmp_path: Path, kind: str) -> None:
    assert compare(generate(_extreme(kind), 200), tmp_path, same_loops) > 150


@cases_of("PRELU")
@st.composite
def _prelu(draw: st.DrawFn) -> Case:
    shape = draw(d.shapes(1, 4, 300))
    x = draw(d.activations(shape))
    alpha_shape = tuple(1 if draw(st.booleans()) else n for n in shape[draw(st.integers(0, len(shape) - 1)) :])
    alpha = draw(d.activations(alpha_shape, -12, 1))
    y = d.q8(shape, float(np.float32(x.scales[0] * 2.0 ** draw(st.floats(-4, 6, width=16)))), draw(d.zero_points))
    if draw(st.booleans()):
        y = replace(y, scales=(draw(d.rational(x.scales[0])),))
    if draw(st.booleans()):
        values = np.random.default_rng(draw(d.seeds)).integers(-128, 128, alpha_shape).astype(np.int8)
        alpha = replace(alpha, data=values)
    return one_op("PRELU", [x, alpha], y, "", draw(d.seeds))


def test_prelu(tmp_path: Path) -> None:
    assert compare(generate(_prelu(), 200), tmp_path, same_loops) > 180


@cases_of("SQUARED_DIFFERENCE")
@st.composite
def _squared_difference(draw: st.DrawFn) -> Case:
    a, b = draw(_shapes(2))
    operands = [draw(d.activations(shape, -8, 4)) for shape in (a, b)]
    if draw(st.booleans()):
        operands[1] = replace(operands[1], scales=(draw(d.rational(operands[0].scales[0])),))
    near = max(t.scales[0] for t in operands) ** 2 * 100
    y = d.q8(np.broadcast_shapes(a, b), float(np.float32(near * 2.0 ** draw(st.floats(-9, 6, width=16)))),
             draw(d.zero_points))  # fmt: skip
    return one_op("SQUARED_DIFFERENCE", draw(_maybe_constant(operands)), y, "SquaredDifferenceOptions", draw(d.seeds))


def test_squared_difference(tmp_path: Path) -> None:
    assert compare(generate(_squared_difference(), 250), tmp_path, same_loops) > 200


COMPARISONS = {
    "EQUAL": "EqualOptions", "NOT_EQUAL": "NotEqualOptions", "LESS": "LessOptions", "LESS_EQUAL": "LessEqualOptions",
    "GREATER": "GreaterOptions", "GREATER_EQUAL": "GreaterEqualOptions",
}  # fmt: skip


@cases_of(*COMPARISONS)
@st.composite
def _comparison(draw: st.DrawFn, kind: str) -> Case:
    shapes = draw(_shapes(2))
    whole = ("bool",) if kind in ("EQUAL", "NOT_EQUAL") else ()
    dtype = draw(st.sampled_from(("int8", "int8", "int8", "int32", *whole)))
    operands = [draw(d.activations(s, -12, 0.3)) if dtype == "int8" else T(s, dtype) for s in shapes]
    if dtype == "int8" and draw(st.booleans()):
        operands[1] = replace(operands[1], scales=operands[0].scales, zero_points=operands[0].zero_points)
    y = T(np.broadcast_shapes(*shapes), "bool")
    seed = draw(d.seeds)
    if dtype == "int32":  # few values, so that some are equal
        generator = np.random.default_rng(seed)
        given = tuple(generator.integers(-2, 3, t.shape).astype(np.int32) for t in operands)
        return one_op(kind, operands, y, COMPARISONS[kind], given=(given,))
    return one_op(kind, draw(_maybe_constant(operands)), y, COMPARISONS[kind], seed)


@pytest.mark.parametrize("kind", COMPARISONS)
def test_comparison(tmp_path: Path, kind: str) -> None:
    assert compare(generate(_comparison(kind), 100), tmp_path, same_loops) > 60


LOGICAL = {"LOGICAL_AND": "LogicalAndOptions", "LOGICAL_OR": "LogicalOrOptions", "LOGICAL_NOT": "LogicalNotOptions"}


@cases_of(*LOGICAL)
@st.composite
def _logical(draw: st.DrawFn, kind: str) -> Case:
    shapes = draw(_shapes(1 if kind == "LOGICAL_NOT" else 2))
    operands = draw(_maybe_constant([T(s, "bool") for s in shapes])) if len(shapes) > 1 else [T(shapes[0], "bool")]
    return one_op(kind, operands, T(np.broadcast_shapes(*shapes), "bool"), LOGICAL[kind], draw(d.seeds))


@pytest.mark.parametrize("kind", LOGICAL)
def test_logical(tmp_path: Path, kind: str) -> None:
    assert compare(generate(_logical(kind), 60), tmp_path, same_loops) > 40


@cases_of("SELECT_V2")
@st.composite
def _select(draw: st.DrawFn) -> Case:
    shapes = draw(_shapes(3))
    out = np.broadcast_shapes(*shapes)
    dtype = draw(st.sampled_from(("int8", "int8", "int16", "float32", "int32")))
    x = T(out, dtype) if dtype in ("float32", "int32") else replace(draw(d.activations(out)), dtype=dtype)
    operands = [T(shapes[0], "bool"), replace(x, shape=shapes[1]), replace(x, shape=shapes[2])]
    if dtype == "int8":
        operands = draw(_maybe_constant(operands))
    return one_op("SELECT_V2", operands, x, "SelectV2Options", draw(d.seeds))


def test_select(tmp_path: Path) -> None:
    assert compare(generate(_select(), 200), tmp_path, same_loops) > 100
