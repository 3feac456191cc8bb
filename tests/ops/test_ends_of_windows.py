"""Pools, reductions, rows and images at their ends: windows beyond the image, long sums, ties, rows of nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import draw as d
import draw_ends as ends
import numpy as np
import pytest
from build_tflite import T, const
from cases import ROUNDS, Case, compare, generate, one_op
from hypothesis import strategies as st
from strategies import cases_of

POOLS = ("AVERAGE_POOL_2D", "MAX_POOL_2D")
REDUCED = ("MEAN", "SUM")
PLACES = {"ARG_MAX": "ArgMaxOptions", "ARG_MIN": "ArgMinOptions"}


@cases_of(*POOLS)
@st.composite
def _pool(draw: st.DrawFn, kind: str) -> Case:
    """SAME windows larger than the image, VALID ones as large as it; outputs held to a single value."""
    size = [draw(st.integers(1, 9)) for _ in range(2)]
    padding = draw(st.integers(0, 1))
    kernel = size if padding else [n + draw(st.integers(0, 300)) for n in size]
    stride = [draw(st.sampled_from((1, 2, 7, 300))) for _ in range(2)]
    out = [1, 1] if padding else [-(-n // s) for n, s in zip(size, stride)]
    channels = draw(st.sampled_from(ends.CHANNELS))
    y, fused = draw(ends.output((1, *out, channels)))
    x = replace(y, shape=(1, *size, channels))
    fields = {"padding": padding, "strideH": stride[0], "strideW": stride[1], "fusedActivationFunction": fused}
    return one_op(kind, [x], y, "Pool2DOptions", draw(d.seeds), filterHeight=kernel[0], filterWidth=kernel[1], **fields)


@cases_of(*REDUCED)
@st.composite
def _reduction(draw: st.DrawFn, kind: str) -> Case:
    """Few and many values, counts of powers of two and beside them, at every shift."""
    count, kept = draw(st.sampled_from((1, 2, 3, 17, 128, 255, 1023, 1024, 1025))), draw(st.sampled_from((1, 3, 17)))
    exponent, ratio = draw(st.sampled_from((-60.0, -4.7, 0.0, 40.0))), draw(ends.exponents)
    x = d.q8((count, kept), ends.power(exponent), draw(d.zero_points))
    y = d.q8((kept,), ends.power(exponent - ratio), draw(d.zero_points))
    return one_op(kind, [x, const([0])], y, "ReducerOptions", draw(d.seeds), keepDims=False)


@cases_of("L2_NORMALIZATION")
@st.composite
def _l2(draw: st.DrawFn) -> Case:
    """Rows of nothing but the zero point, rows with one other value, rows of one value."""
    depth, zero = draw(st.sampled_from((1, 2, 3, 17, 300))), draw(d.zero_points)
    generator = np.random.default_rng(draw(d.seeds))
    rows = np.full((ROUNDS, 4, depth), zero)
    rows[:, 1, generator.integers(depth)] = generator.integers(-128, 128, ROUNDS)
    rows[:, 2] = generator.choice([-128, 127])
    rows[:, 3] = np.clip(zero + generator.integers(-1, 2, (ROUNDS, depth)), -128, 127)
    x = d.q8((4, depth), draw(d.scales()), zero)
    given = tuple((row.astype(np.int8),) for row in rows)
    return one_op("L2_NORMALIZATION", [x], d.q8(x.shape, 1 / 128, 0), "L2NormOptions", given=given)


@cases_of(*PLACES)
@st.composite
def _place(draw: st.DrawFn, kind: str) -> Case:
    """Few different values, so that the first of equals is asked for; among them the ends."""
    outer, axis, inner = (draw(st.sampled_from((1, 2, 17))) for _ in range(3))
    generator = np.random.default_rng(draw(d.seeds))
    values = generator.choice([-128, -128, 127, 127, 0], (ROUNDS, outer, axis, inner)).astype(np.int8)
    values[0] = draw(st.sampled_from((-128, 127, 0)))
    x, y = d.q8((outer, axis, inner), 0.5, draw(d.zero_points)), T((outer, inner), "int32")
    return one_op(kind, [x, const([1])], y, PLACES[kind], given=tuple((v,) for v in values), outputType=2)


@cases_of("RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR")
@st.composite
def _resize(draw: st.DrawFn, kind: str) -> Case:
    """From and to single pixels and long sides; what is between two extremes rounds both ways."""
    size = [draw(st.sampled_from((1, 2, 3, 31, 64))), draw(st.sampled_from((1, 2, 5)))]
    out = [draw(st.sampled_from((1, 2, 17, 45))), draw(st.sampled_from((1, 3, 5, 11)))]
    x = d.q8((1, *size, draw(st.sampled_from((1, 2, 3)))), 0.5, draw(d.zero_points))
    corners = draw(st.booleans())
    centres = draw(st.booleans()) and not (corners and kind == "RESIZE_BILINEAR")
    options = {"RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighborOptions", "RESIZE_BILINEAR": "ResizeBilinearOptions"}
    fields = {"alignCorners": corners, "halfPixelCenters": centres}
    y = replace(x, shape=(1, *out, x.shape[3]))
    return one_op(kind, [x, const(out)], y, options[kind], draw(d.seeds), **fields)


def _beyond(_case: Case, refusal: str) -> bool:
    """The reference reads past its input there, and what it reads is not defined."""
    return "reads beyond its input" in refusal


@pytest.mark.parametrize(
    ("cases", "kind"),
    [(cases, kind) for cases, kinds in ((_pool, POOLS), (_reduction, REDUCED), (_place, PLACES)) for kind in kinds],
)
def test_ends(tmp_path: Path, cases: Callable[[str], st.SearchStrategy[Case]], kind: str) -> None:
    assert compare(generate(cases(kind), 80), tmp_path) > 70


def test_rows_of_nothing(tmp_path: Path) -> None:
    assert compare(generate(_l2(), 60), tmp_path) > 50


@pytest.mark.parametrize("kind", ["RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR"])
def test_single_pixels_and_long_sides(tmp_path: Path, kind: str) -> None:
    assert compare(generate(_resize(kind), 80), tmp_path, _beyond) > 60
