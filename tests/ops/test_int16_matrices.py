"""FULLY_CONNECTED and BATCH_MATMUL on int16 against the reference; what int16 layers with weights refuse."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import draw as d
import draw_int16 as d16
import native
import numpy as np
import pytest
import test_damage as damage
import test_int16_convolutions as convolutions
from build_tflite import T, const
from cases import MAX_INPUTS, Case, compare, generate, one_op
from hypothesis import strategies as st
from strategies import cases_of

from tinygen.errors import BadInput
from tinygen.frontend.importer import import_tflite
from tinygen.graph.ir import Graph
from tinygen.ops.lowering import lower


@cases_of("FULLY_CONNECTED")
@st.composite
def dense(draw: st.DrawFn) -> Case:
    depth, filters, rows = draw(st.integers(1, 40)), draw(st.integers(1, 9)), draw(st.integers(1, 4))
    depth = draw(st.sampled_from((depth, depth, depth, 511, 512, 1100)))
    keep = draw(st.booleans())
    per_channel = filters > 1 and draw(st.integers(0, 2)) == 0
    x = draw(d16.activations((rows, 1, depth) if keep else (rows, depth)))
    w = draw(d16.weights((filters, depth), 0 if per_channel else None))
    y = draw(d16.output((rows, 1, filters) if keep else (rows, filters), x, w, depth))
    if draw(st.integers(0, 3)) == 0:  # TFLM's int16 convolutions take zero points for 0, this one does not
        x, y = (replace(t, zero_points=(draw(st.integers(-32768, 32767)),)) for t in (x, y))
    bias, stated = draw(d16.bias(x, w, filters, ("int64", "int32")))
    fields = {"fusedActivationFunction": draw(d.fused), "keepNumDims": keep} | stated
    return one_op("FULLY_CONNECTED", [x, w, *bias], y, "FullyConnectedOptions", draw(d.seeds), **fields)


def test_fully_connected(tmp_path: Path) -> None:
    cases = generate(dense(), 200)
    assert compare(cases, tmp_path, d16.undefined) > 120
    kinds = d16.kernels(cases)
    assert min(kinds[f"tg_matmul_s16{kind}"] for kind in ("", "_deep", "_wraps")) > 5, kinds


@cases_of("BATCH_MATMUL")
@st.composite
def matrices(draw: st.DrawFn) -> Case:
    batches = draw(d.shapes(0, 3, 12))
    rows, depth, columns = (draw(st.integers(1, 7)) for _ in range(3))
    adj_x, adj_y = draw(st.booleans()), draw(st.booleans())
    operands: list[T] = []
    for matrix, turned in (((rows, depth), adj_x), ((depth, columns), adj_y)):
        drop = draw(st.integers(0, len(batches))) if draw(st.integers(0, 3)) == 3 else 0
        repeated = tuple(1 if draw(st.integers(0, 4)) == 3 else n for n in batches[drop:])
        operands.append(draw(d16.activations((*repeated, *(matrix[::-1] if turned else matrix)))))
    out = np.broadcast_shapes(operands[0].shape[:-2], operands[1].shape[:-2])
    near = operands[0].scales[0] * operands[1].scales[0] * 16384 * math.sqrt(depth)
    spread = draw(st.one_of(st.floats(-4, 5, width=16), st.integers(-29, -12), st.integers(5, 17)))
    y = d16.q16((*out, rows, columns), float(np.float32(near * 2.0**spread)))
    if draw(st.integers(0, 2)) == 2:
        which = draw(st.integers(0, 1))
        values = np.random.default_rng(draw(d.seeds)).integers(-32768, 32768, operands[which].shape)
        operands[which] = replace(operands[which], data=values.astype(np.int16))
    return one_op("BATCH_MATMUL", operands, y, "BatchMatMulOptions", draw(d.seeds), adjX=adj_x, adjY=adj_y)


def test_batch_matmul(tmp_path: Path) -> None:
    assert compare(generate(matrices(), 160), tmp_path, d16.undefined) > 90


def _sixteen_bits(real: float) -> int:
    return (round(math.frexp(real)[0] * 2**31) + 2**15) >> 16


def _scale_pairs() -> list[tuple[float, float]]:
    """Scales whose product in float gives another 16-bit multiplier than their product in double."""
    pairs = [
        (float(a), float(b)) for a, b in np.random.default_rng(7).uniform(0.8, 1.0, (20_000, 2)).astype(np.float32)
    ]
    return [(a, b) for a, b in pairs if _sixteen_bits(float(np.float32(a) * np.float32(b))) != _sixteen_bits(a * b)]


@pytest.mark.parametrize("form", ["FULLY_CONNECTED", "FULLY_CONNECTED with a bias", "BATCH_MATMUL"])
def test_the_product_of_the_scales(tmp_path: Path, form: str) -> None:
    cases = []
    values = np.arange(20_000, 32_768).astype(np.int16).reshape(-1, 1)
    for a, b in _scale_pairs()[:20]:
        x, y = d16.q16(values.shape, a), d16.q16(values.shape, 1.0)
        if form == "BATCH_MATMUL":
            w = replace(d16.q16((1, 1), b), data=np.ones((1, 1), np.int16))
            cases.append(one_op(form, [x, w], y, "BatchMatMulOptions", given=((values,),)))
            continue
        w = T((1, 1), "int8", (b,), (0,), 0, np.ones((1, 1), np.int8))
        bias = [const([0], "int64", scales=(a * b,))] if "bias" in form else []
        cases.append(one_op("FULLY_CONNECTED", [x, w, *bias], y, "FullyConnectedOptions", given=((values,),)))
    assert compare(cases, tmp_path) == len(cases) == 20


X, Y = d16.q16((1, 3, 3, 2), 0.5), d16.q16((1, 3, 3, 4), 0.5)
W = T((4, 1, 1, 2), "int8", (0.1,), (0,), 0, np.ones((4, 1, 1, 2), np.int8))
D = replace(W, shape=(1, 1, 1, 4), data=np.ones((1, 1, 1, 4), np.int8))
SHAPE = const([1, 3, 3, 4])


def _conv(kernel: int = 1, x: T = X, y: T = Y, w: T = W, bias: T | None = None, **fields: Any) -> Case:
    """A 1×1 convolution, or one of 2×2 taps, which another kernel computes."""
    if kernel > 1:
        w = replace(w, shape=(4, 2, 2, 2), data=np.ones((4, 2, 2, 2), np.int8))
    inputs = [x, w] + ([bias] if bias else [])
    return one_op("CONV_2D", inputs, y, "Conv2DOptions", padding=0, strideH=1, strideW=1, **fields)


def _depthwise(x: T = X, y: T = Y, bias: T | None = None) -> Case:
    fields = {"padding": 0, "strideH": 1, "strideW": 1, "depthMultiplier": 2}
    return one_op("DEPTHWISE_CONV_2D", [x, D, *([bias] if bias else [])], y, "DepthwiseConv2DOptions", **fields)


def _transposed(x: T = X, y: T = Y, bias: T | None = None, **fields: Any) -> Case:
    inputs = [SHAPE, W, x, *([bias] if bias else [])]
    return one_op("TRANSPOSE_CONV", inputs, y, "TransposeConvOptions", strideH=1, strideW=1, **fields)


def _dense(y: T | None = None, bias: T | None = None, w: T | None = None, **fields: Any) -> Case:
    weights = w or replace(W, shape=(4, 2), data=np.ones((4, 2), np.int8))
    inputs = [d16.q16((1, 2), 0.5), weights, *([bias] if bias else [])]
    return one_op("FULLY_CONNECTED", inputs, y or d16.q16((1, 4), 0.5), "FullyConnectedOptions", **fields)


def _product(a: T, b: T, y: T) -> Case:
    return one_op("BATCH_MATMUL", [a, b], y, "BatchMatMulOptions")


def hostile() -> Iterator[tuple[str, str, Case]]:
    """(a name, what the refusal says, a model that must be refused)."""
    off = {"zero_points": (5,)}
    for kernel in (1, 2):
        yield f"conv {kernel} input's zero point", "zero point 5", _conv(kernel, replace(X, **off))
        yield f"conv {kernel} output's zero point", "zero point 5", _conv(kernel, y=replace(Y, **off))
        yield f"conv {kernel} left shift", "2^15", _conv(kernel, y=replace(Y, scales=(2.0**-19,)))
        yield (
            f"conv {kernel} far left shift",
            "2^32",
            _conv(kernel, y=replace(Y, scales=(2.0**-36,)), **d16.SUM_IN_32_BITS),
        )
        for dtype in ("int8", "int16", "float32"):
            yield f"conv {kernel} bias {dtype}", "int32 or int64 bias", _conv(kernel, bias=const([1] * 4, dtype))
        yield f"conv {kernel} bias at run time", "constant", _conv(kernel, bias=T((4,), "int64"))
        yield f"conv {kernel} short bias", "of 4 values", _conv(kernel, bias=const([1] * 3, "int64"))
        yield f"conv {kernel} bias beyond", "beyond 64 bits", _conv(kernel, bias=const([-(1 << 63)] * 4, "int64"))
        yield f"conv {kernel} to int8", "int16 to int8", _conv(kernel, y=replace(Y, dtype="int8"))
    yield "conv stated bias", "bias type 99", _conv(quantizedBiasType=99)
    yield (
        "conv int16 weights",
        "int8 weights",
        _conv(w=T(W.shape, "int16", (0.1,), (0,), 0, np.ones(W.shape, np.int16))),
    )
    yield "conv weights' zero point", "zero point", _conv(w=replace(W, zero_points=(1,)))
    yield "depthwise input's zero point", "zero point 5", _depthwise(replace(X, **off))
    yield "depthwise output's zero point", "zero point 5", _depthwise(y=replace(Y, **off))
    yield "depthwise left shift", "2^15", _depthwise(y=replace(Y, scales=(2.0**-19,)))
    for dtype in ("int8", "int16", "int32", "float32"):
        yield f"depthwise bias {dtype}", "int64 bias", _depthwise(bias=const([1] * 4, dtype))
    yield "transposed input's zero point", "zero point 5", _transposed(replace(X, **off))
    yield "transposed output's zero point", "zero point 5", _transposed(y=replace(Y, **off))
    yield "transposed left shift", "2^15", _transposed(y=replace(Y, scales=(2.0**-19,)))
    yield "transposed stated bias", "bias type -1", _transposed(quantizedBiasType=-1)
    for dtype in ("int8", "int32", "float32"):
        yield f"transposed bias {dtype}", "int16 or int64 bias", _transposed(bias=const([1] * 4, dtype))
    yield "transposed bias beyond", "beyond 64 bits", _transposed(bias=const([1 << 62] * 4, "int64"))
    for dtype in ("int8", "int16", "float32"):
        yield f"dense bias {dtype}", "int32 or int64 bias", _dense(bias=const([1] * 4, dtype))
    yield "dense bias's scale", "bias has scale", _dense(bias=const([1] * 4, "int64", scales=(0.9,)))
    yield "dense bias beyond", "beyond 64 bits", _dense(bias=const([1 << 62] * 4, "int64", scales=(0.05,)))
    yield "dense stated bias", "bias type 23", _dense(quantizedBiasType=23)
    yield "dense left shift", "2^15", _dense(d16.q16((1, 4), 2.0**-19))
    yield "dense to int32", "int16 to int32", _dense(T((1, 4), "int32", (0.5,), (0,)))
    a, b, y = (d16.q16(shape, 0.5) for shape in ((2, 3), (3, 4), (2, 4)))
    for i in range(3):
        tensors = [replace(t, **off) if i == k else t for k, t in enumerate((a, b, y))]
        yield f"matmul zero point {i}", "zero point 5", _product(*tensors)
    yield "matmul types", "int16 and int8", _product(a, replace(b, dtype="int8"), y)
    yield "matmul left shift", "2^15", _product(a, b, replace(y, scales=(2.0**-16,)))


@pytest.mark.parametrize(("name", "what", "case"), list(hostile()), ids=[name for name, _, _ in hostile()])
def test_refused_in_one_line(name: str, what: str, case: Case) -> None:
    with pytest.raises(BadInput) as refusal:
        lower(import_tflite(case.model, "hostile"), frozenset())
    assert "\n" not in refusal.value.line and len(refusal.value.line) < 400
    assert what in refusal.value.what, refusal.value.what


def test_what_is_next_to_the_refused_is_taken(tmp_path: Path) -> None:
    """The refusals above have one cause each."""
    wide, narrow = const([1] * 4, "int64"), const([1] * 4)
    cases = [_conv(k, bias=bias) for k in (1, 2) for bias in (None, wide, narrow)]
    cases += [_conv(k, y=replace(Y, scales=(2.0**-18,))) for k in (1, 2)]
    cases += [_depthwise(), _depthwise(bias=wide), _transposed(), _transposed(bias=wide), _dense()]
    cases.append(_dense(bias=const([1] * 4, "int64", scales=(0.05,))))
    cases.append(_product(*(d16.q16(shape, 0.5) for shape in ((2, 3), (3, 4), (2, 4)))))
    assert compare(cases, tmp_path) == len(cases)


def test_damaged_models_are_refused_or_safe(tmp_path: Path) -> None:
    generator = random.Random(16)
    graphs = []
    strategies = (convolutions.conv(), convolutions.depthwise(), convolutions.transpose_conv(), dense(), matrices())
    for case in (case for strategy in strategies for case in generate(strategy, 8)):
        found = (damage._accepted(damage._damaged(case.model, generator)) for _ in range(damage.FLIPS // 2))
        graphs += [graph for graph in found if graph is not None and graph.ops][:6]
    assert len(graphs) > 100
    for batch in range(0, len(graphs), MAX_INPUTS // 4):
        chunk = graphs[batch : batch + MAX_INPUTS // 4]
        samples = [[[_bytes(graph, i, generator) for i in graph.inputs]] for graph in chunk]
        native.run(chunk, samples, tmp_path / str(batch))


def _bytes(graph: Graph, index: int, generator: random.Random) -> native.npt.NDArray[Any]:
    tensor = graph.tensors[index]
    return np.frombuffer(generator.randbytes(tensor.nbytes), native.NUMPY[tensor.dtype]).reshape(tensor.shape)
