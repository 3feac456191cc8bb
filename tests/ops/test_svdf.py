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
from strategies import cases_of

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


@cases_of("SVDF")
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
    assert compare(generate(case(), 180), tmp_path) > 120


@cases_of("SVDF")
@st.composite
def shared(draw: st.DrawFn) -> Case:
    """Two layers that change the same memory in turn, of which now and then only one is asked for."""
    one = draw(case())
    y = replace(one.tensors[5], scales=(near(one.tensors[5].scales[0], 1),))
    nodes = (one.nodes[0], replace(one.nodes[0], outputs=(6,)))
    outputs = draw(st.sampled_from(((6,), (5,), (6, 5))))
    return replace(one, tensors=(*one.tensors, y), nodes=nodes, outputs=outputs)


def rewritten(graph: Graph) -> Graph:
    """As the compiler has it: after the passes, in the order of least memory."""
    return least_memory_order(optimize(graph))


def test_a_shared_memory_after_the_passes(tmp_path: Path) -> None:
    assert compare(generate(shared(), 40), tmp_path, rewrite=rewritten) > 20


X, Y = d.q8((1, 3), 0.5, 3), d.q8((1, 2), 0.5, 0)
FEATURE = T((4, 3), "int8", (0.1,), (0,), 0, np.ones((4, 3), np.int8))
TIME = T((4, 5), "int16", (0.01,), (0,), 0, np.ones((4, 5), np.int16))
BIAS = T((2,), "int32", (0.001,), (0,), 0, np.ones(2, np.int32))
MEMORY = T((1, 20), "int16", (0.1,), (0,), variable=True)
GOOD = (X, FEATURE, TIME, BIAS, MEMORY)


def _hostile(place: int = 5, rank: int = 2, y: T = Y, **changed: object) -> Case:
    inputs = tuple(replace(t, **changed) if i == place else t for i, t in enumerate(GOOD))
    return layer(inputs, y, rank)


def _without_bias() -> Case:
    good = _hostile()
    return replace(good, nodes=(replace(good.nodes[0], inputs=(0, 1, 2, -1, 4)),))


def _memory_as_input() -> Case:
    """The layer's input is its own memory."""
    case = layer((replace(MEMORY, dtype="int8", shape=(1, 20)), replace(FEATURE, shape=(20, 20),
                  data=np.ones((20, 20), np.int8)), replace(TIME, shape=(20, 1), dtype="int8",
                  data=np.ones((20, 1), np.int8)), replace(BIAS, shape=(10,), data=np.ones(10, np.int32)), X),
                 replace(Y, shape=(1, 10)), 2)  # fmt: skip
    return replace(case, nodes=(replace(case.nodes[0], inputs=(0, 1, 2, 3, 0)),), inputs=(4,))


HOSTILE = {
    "no rank": (_hostile(rank=0), "rank 0"),
    "rank below zero": (_hostile(rank=-2), "rank -2"),
    "rank that divides not": (_hostile(rank=3), "rank 3"),
    "other output": (_hostile(y=replace(Y, shape=(1, 4))), "the file says output"),
    "input of three dimensions": (_hostile(0, shape=(1, 1, 3)), "do not fit"),
    "other depth": (_hostile(0, shape=(1, 4)), "do not fit"),
    "float input": (_hostile(0, dtype="float32"), "float32"),
    "no scale": (_hostile(0, scales=(), zero_points=()), "not quantized"),
    "weights at run time": (replace(_hostile(1, data=None), inputs=(0, 1)), "constant weights"),
    "weights with a zero point": (_hostile(1, zero_points=(1,)), "symmetric"),
    "time weights with a zero point": (_hostile(2, zero_points=(1,)), "symmetric"),
    "time weights of int32": (_hostile(2, dtype="int32", data=np.ones((4, 5), np.int32)), "int32"),
    "weights by channel": (_hostile(1, scales=(0.1,) * 4, zero_points=(0,) * 4), "4 scales"),
    "more filters than time weights": (_hostile(2, shape=(2, 5), data=np.ones((2, 5), np.int16)), "do not fit"),
    "no bias": (_without_bias(), "takes 5 to 5 inputs"),
    "short bias": (_hostile(3, shape=(1,), data=np.ones(1, np.int32)), "bias of 2 values"),
    "bias of int64": (_hostile(3, dtype="int64", data=np.ones(2, np.int64)), "int32 bias"),
    "bias of another scale": (_hostile(3, scales=(0.002,)), "its bias has scale"),
    "memory that is no variable": (_hostile(4, variable=False), "before anything writes"),
    "memory of int8": (_hostile(4, dtype="int8"), "its memory is int8"),
    "memory too small": (_hostile(4, shape=(1, 19)), "its memory is"),
    "memory as input": (_memory_as_input(), "twice"),
    "memory of another scale": (_hostile(4, scales=(1e-12,)), "its bias has scale"),
    "left shift": (_hostile(y=replace(Y, scales=(1e-13,))), "a left shift of"),
    "output without a scale": (_hostile(y=replace(Y, scales=(), zero_points=())), "not quantized"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_refused_in_one_line(what: str) -> None:
    case, words = HOSTILE[what]
    with pytest.raises(BadInput, match=words) as refusal:
        lower(import_tflite(case.model, "hostile"), frozenset())
    assert "\n" not in refusal.value.line and len(refusal.value.line) < 400


def test_the_good_one_is_taken() -> None:
    """What the refusals above each change in one place."""
    assert lower(import_tflite(_hostile().model, "good"), frozenset())[0].code is not None
