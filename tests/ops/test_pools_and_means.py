"""AVERAGE_POOL_2D, MAX_POOL_2D and MEAN against the reference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import draw as d
import pytest
from build_tflite import T, const
from cases import Case, compare, generate, one_op
from hypothesis import strategies as st
from strategies import cases_of


@cases_of("AVERAGE_POOL_2D", "MAX_POOL_2D")
@st.composite
def _pool(draw: st.DrawFn, kind: str) -> Case:
    padding = draw(st.integers(0, 1))
    kernel = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    stride = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    size = tuple(draw(st.integers(1 if padding == 0 else k, k + 6)) for k in kernel)
    out = tuple(-(-n // s) if padding == 0 else (n - k) // s + 1 for n, k, s in zip(size, kernel, stride))
    batch, channels = draw(st.integers(1, 2)), draw(st.integers(1, 5))
    x = draw(d.activations((batch, *size, channels)))
    y = replace(x, shape=(batch, *out, channels))
    return one_op(
        kind, [x], y, "Pool2DOptions", draw(d.seeds), padding=padding, strideH=stride[0], strideW=stride[1],
        filterHeight=kernel[0], filterWidth=kernel[1], fusedActivationFunction=draw(d.fused),
    )  # fmt: skip


@cases_of("MEAN")
@st.composite
def _mean(draw: st.DrawFn) -> Case:
    x = draw(d.shapes(1, 5, 800).flatmap(lambda s: d.activations(s, -10, 4)))
    rank = len(x.shape)
    axes = draw(st.lists(st.integers(-rank, rank - 1), min_size=1, max_size=rank))
    keep = draw(st.booleans())
    gone = {a % rank for a in axes}
    shape = tuple(1 if i in gone else n for i, n in enumerate(x.shape) if keep or i not in gone)
    y = draw(d.activations(shape, -10, 4))
    if draw(st.booleans()):
        y = replace(y, scales=(draw(d.rational(x.scales[0])),))
    axis = const(axes if len(axes) > 1 or draw(st.booleans()) else axes[0])
    return one_op("MEAN", [x, axis], y, "ReducerOptions", draw(d.seeds), keepDims=keep)


@pytest.mark.parametrize("kind", ["AVERAGE_POOL_2D", "MAX_POOL_2D"])
def test_pool(tmp_path: Path, kind: str) -> None:
    assert compare(generate(_pool(kind), 120), tmp_path) > 100


def test_pool_takes_scales_that_differ_by_a_millionth(tmp_path: Path) -> None:
    fields = {"padding": 1, "strideH": 1, "strideW": 1, "filterHeight": 2, "filterWidth": 2}
    x = d.q8((1, 4, 4, 1), 0.1, 3)
    outputs = [d.q8((1, 3, 3, 1), scale, zero) for scale, zero in ((0.1 + 5e-7, 3), (0.1 + 3e-6, 3), (0.1, 4))]
    cases = [one_op("MAX_POOL_2D", [x], y, "Pool2DOptions", **fields) for y in outputs]
    assert compare(cases, tmp_path) == 1


def test_mean(tmp_path: Path) -> None:
    assert compare(generate(_mean(), 250), tmp_path) > 220


def test_mean_of_many_values(tmp_path: Path) -> None:
    cases = []
    for seed, (ratio, zero) in enumerate([(1.0, -128), (0.004, 127), (3e-8, 5), (900.0, 0), (2.0**-31, 1)]):
        x = d.q8((1, 40, 50, 3), 0.05, zero)
        y = T((1, 3), "int8", (float(d.np.float32(0.05 / ratio)),), (-7,))
        cases.append(one_op("MEAN", [x, const([1, 2])], y, "ReducerOptions", seed, keepDims=False))
    assert compare(cases, tmp_path) == len(cases)
