"""SVDF against the reference, four inferences in a row: ranks, memories of int8 and int16, zero points, wrapping."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import draw as d
import numpy as np
import pytest
from build_tflite import Node, T
from cases import Case, compare, generate
from hypothesis import strategies as st

from tinygen.errors import BadInput
from tinygen.frontend.importer import import_tflite
from tinygen.graph.ir import Graph
from tinygen.ops.lowering import lower
from tinygen.passes import optimize
from tinygen.passes.order import least_memory_order


def layer(inputs: tuple[T, ...], y: T, rank: int, seed: int = 0, fused: int = 0) -> Case:
    """One layer: input, feature weights, time weights, bias, memory."""
    node = Node("SVDF", (0, 1, 2, 3, 4), (5,), "SVDFOptions", {"rank": rank, "fusedActivationFunction": fused})
    return Case((*inputs, y), (node,), (0,), (5,), seed)


def near(scale: float, exponent: int) -> float:
    return float(np.float32(scale * 2.0**exponent))


@st.composite
def case(draw: st.DrawFn) -> Case:
    batch, depth = draw(st.sampled_from((1, 1, 2, 3))), draw(st.integers(1, 9))
    units, rank, memory = draw(st.integers(1, 5)), draw(st.integers(1, 3)), draw(st.integers(1, 7))
    x = draw(d.activations((batch, depth)))
    feature = draw(d.weights((units * rank, depth), None))
    time = draw(d.weights((units * rank, memory), None))
    scale = d.output_scale(x, feature, depth, draw(st.integers(-6, 5)))
    state = T((batch, units * rank * memory), "int8", (scale,), (draw(d.zero_points),), variable=True)
    if draw(st.booleans()):
        wide = np.random.default_rng(draw(d.seeds)).integers(-32768, 32768, time.shape).astype(np.int16)
        time = replace(time, dtype="int16", data=wide, scales=(near(time.scales[0], -8),))
        zero = draw(st.sampled_from((0, 0, 0, 700, -32768, 32767)))
        state = replace(state, dtype="int16", scales=(near(scale, -8),), zero_points=(zero,))
    if draw(st.integers(0, 3)) == 0:  # results on halves: the last bit of a ratio decides
        state = replace(state, scales=(draw(d.rational(x.scales[0] * feature.scales[0])),))
    product = float(np.float32(state.scales[0]) * np.float32(time.scales[0]))
    limit = draw(st.sampled_from((1 << 10, 1 << 16, 2**31 - 1)))
    values = np.random.default_rng(draw(d.seeds)).integers(-limit, limit, units).astype(np.int32)
    off = draw(st.sampled_from((0.0, 0.0, 0.0, 0.9e-5, 1.1e-5)))
    bias = T((units,), "int32", (float(np.float32(product + off)),), (0,), 0, values)
    wider = 2.0 ** draw(st.integers(-3, 4)) * 64 * np.sqrt(memory * rank) * (256 if state.dtype == "int16" else 1)
    out = near(product * wider, 0) if draw(st.integers(0, 3)) else draw(d.rational(product))
    y = d.q8((batch, units), out, draw(d.zero_points))
    return layer((x, feature, time, bias, state), y, rank, draw(d.seeds), draw(d.fused))


def test_svdf(tmp_path: Path) -> None:
    assert compare(generate(case(), 250), tmp_path) > 190
