"""AVERAGE_POOL_2D, MAX_POOL_2D, MEAN and SUM of int16, against the reference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import draw as d
import numpy as np
import pytest
from build_tflite import const
from cases import Case, compare, generate, importable, one_op
from hypothesis import strategies as st
from strategies import cases_of

from tinygen.errors import BadInput

zero_points = st.sampled_from((0, 0, 0, 5, -700, 32767, -32768))


@cases_of("AVERAGE_POOL_2D", "MAX_POOL_2D")
@st.composite
def pooled(draw: st.DrawFn, kind: str) -> Case:
    """Windows with and without padding, fused activations; the two scales must agree."""
    n, h, w, c = draw(st.integers(1, 2)), draw(st.integers(1, 9)), draw(st.integers(1, 9)), draw(st.integers(1, 5))
    kernel_h, kernel_w, stride_h, stride_w = (draw(st.integers(1, 4)) for _ in range(4))
    same = draw(st.booleans()) or kernel_h > h or kernel_w > w
    sizes = [-(-n // s) if same else (n - k) // s + 1 for n, k, s in ((h, kernel_h, stride_h), (w, kernel_w, stride_w))]
    x = d.q16((n, h, w, c), draw(d.scales(-18, 0)), draw(zero_points))
    y = replace(x, shape=(n, *sizes, c))
    if draw(st.integers(0, 20)) == 7:
        y = replace(y, zero_points=(17,)) if draw(st.booleans()) else replace(y, scales=(x.scales[0] * 2,))
    return one_op(
        kind, [x], y, "Pool2DOptions", draw(d.seeds), padding=0 if same else 1, strideH=stride_h, strideW=stride_w,
        filterHeight=kernel_h, filterWidth=kernel_w, fusedActivationFunction=draw(d.fused),
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["AVERAGE_POOL_2D", "MAX_POOL_2D"])
def test_pool(tmp_path: Path, kind: str) -> None:
    assert compare(generate(pooled(kind), 120), tmp_path) > 80


@cases_of("MEAN", "SUM")
@st.composite
def reduced(draw: st.DrawFn, kind: str) -> Case:
    """Any axes, any zero points, ratios of the scales from 2^-13 to 2^17."""
    x = d.q16(draw(d.shapes(1, 5, 800)), draw(d.scales(-18, 0)), draw(zero_points))
    rank = len(x.shape)
    axes = draw(st.lists(st.integers(-rank, rank - 1), min_size=1, max_size=rank))
    keep = draw(st.booleans())
    gone = {a % rank for a in axes}
    shape = tuple(1 if i in gone else n for i, n in enumerate(x.shape) if keep or i not in gone)
    y = d.q16(shape, float(np.float32(x.scales[0] * 2.0 ** draw(st.floats(-8, 13)))), draw(zero_points))
    if draw(st.booleans()):
        y = replace(y, scales=(draw(d.rational(x.scales[0])),))
    elif draw(st.integers(0, 5)) == 3:
        y = replace(y, scales=(float(np.float32(x.scales[0] * 2.0 ** draw(st.floats(-17, -8)))),))
    return one_op(kind, [x, const(axes)], y, "ReducerOptions", draw(d.seeds), keepDims=keep)


def _overflows(_case: Case, refusal: str) -> bool:
    """Sums that pass the reference's 32 bits when they are shifted left, which is formally undefined in it."""
    return "may pass 32 bits" in refusal


@pytest.mark.parametrize("kind", ["MEAN", "SUM"])
def test_reduction(tmp_path: Path, kind: str) -> None:
    assert compare(generate(reduced(kind), 200), tmp_path, _overflows) > 160


def test_sums_up_to_32_bits(tmp_path: Path) -> None:
    """As many values as 32 bits hold, all the lowest."""
    x, y = d.q16((1, 255, 257, 1), 0.05), d.q16((1, 1, 1, 1), 0.05)
    lowest = np.full(x.shape, -32768, np.int16)
    cases = [
        one_op("SUM", [x, const([1, 2])], replace(y, scales=(3000.0,)), "ReducerOptions", keepDims=True),
        one_op("MEAN", [x, const([1, 2])], y, "ReducerOptions", keepDims=True),
        one_op("MEAN", [x, const([1, 2])], replace(y, scales=(0.0001,)), "ReducerOptions", keepDims=True),
        one_op("AVERAGE_POOL_2D", [x], y, "Pool2DOptions", padding=1, strideH=1, strideW=1, filterHeight=255,
               filterWidth=257),
    ]  # fmt: skip
    cases += [replace(case, given=((lowest,), (-1 - lowest,))) for case in cases]
    assert compare(cases, tmp_path) == len(cases)


@pytest.mark.parametrize("kind", ["MEAN", "SUM"])
@pytest.mark.parametrize(("shape", "zero"), [((1, 256, 256, 1), 0), ((1, 256, 129, 1), -32768)])
def test_sums_beyond_are_refused(kind: str, shape: tuple[int, ...], zero: int) -> None:
    x, y = d.q16(shape, 0.05, zero), d.q16((1, 1, 1, 1), 3000.0)
    case = one_op(kind, [x, const([1, 2])], y, "ReducerOptions", keepDims=True)
    assert isinstance(importable(case), BadInput)


def test_windows_beyond_are_refused() -> None:
    x, y = d.q16((1, 256, 256, 1), 0.05), d.q16((1, 1, 1, 1), 0.05)
    window = {"padding": 1, "strideH": 1, "strideW": 1, "filterHeight": 256, "filterWidth": 256}
    assert isinstance(importable(one_op("AVERAGE_POOL_2D", [x], y, "Pool2DOptions", **window)), BadInput)
