"""Which operators take int16: what moves values, what the reference lacks, models with float ends, damaged models."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import draw as d
import native
import numpy as np
import pytest
import test_damage as damage
import test_int16_binary as binary
import test_int16_softmax as softmax
import test_int16_unary as unary
import test_int16_windows as windows
from build_tflite import Node, T, const
from cases import MAX_INPUTS, Case, compare, generate, importable, one_op

from tinygen.errors import BadInput
from tinygen.graph.ir import Graph

X = d.q16((1, 4, 4, 8), 0.01)
TRUTH = T(X.shape, "bool")
PADDINGS = const([[0, 0], [1, 1], [2, 1], [0, 0]])
FLIPS = 60


def _y(*shape: int) -> T:
    return replace(X, shape=shape)


def moves() -> Iterator[Case]:
    """One model of each operator that moves int16 values."""
    yield one_op("CONCATENATION", [X, X], _y(1, 4, 4, 16), "ConcatenationOptions", axis=3)
    yield one_op("PACK", [X, X], _y(1, 4, 2, 4, 8), "PackOptions", axis=2, valuesCount=2)
    yield one_op("PAD", [X, PADDINGS], _y(1, 6, 7, 8), "PadOptions")
    yield one_op("PADV2", [X, PADDINGS, const([-300], "int16")], _y(1, 6, 7, 8), "PadV2Options")
    yield one_op("TRANSPOSE", [X, const([0, 3, 1, 2])], _y(1, 8, 4, 4), "TransposeOptions")
    yield one_op("SLICE", [X, const([0, 1, 0, 2]), const([1, 2, 4, 5])], _y(1, 2, 4, 5), "SliceOptions")
    bounds = [const(v) for v in ([0, 3, 0, 1], [1, 0, 4, 8], [1, -2, 1, 3])]
    yield one_op("STRIDED_SLICE", [X, *bounds], _y(1, 2, 4, 3), "StridedSliceOptions")
    yield one_op("RESHAPE", [X, const([1, 128])], _y(1, 128), "ReshapeOptions")
    yield one_op("SQUEEZE", [X], _y(4, 4, 8), "SqueezeOptions")
    yield one_op("EXPAND_DIMS", [X, const([1])], _y(1, 1, 4, 4, 8), "ExpandDimsOptions")
    yield one_op("RESIZE_NEAREST_NEIGHBOR", [X, const([6, 9])], _y(1, 6, 9, 8), "ResizeNearestNeighborOptions")
    yield one_op("SELECT_V2", [TRUTH, X, X], X, "SelectV2Options")
    yield one_op("BROADCAST_TO", [_y(4, 1), const([3, 4, 8])], _y(3, 4, 8), "BroadcastToOptions")
    yield one_op("REVERSE_V2", [X, const([2])], X, "ReverseV2Options")
    yield one_op("MAXIMUM", [X, _y(8)], X, "MaximumMinimumOptions")
    yield one_op("MINIMUM", [X, _y(8)], X, "MaximumMinimumOptions")
    yield one_op("SHAPE", [X], T((4,), "int32"), "ShapeOptions", outType=2)
    parts = (_y(1, 4, 8),) * 4
    yield Case((X, *parts), (Node("UNPACK", (0,), (1, 2, 3, 4), "UnpackOptions", {"axis": 1, "num": 4}),), (0,),
               (1, 2, 3, 4))  # fmt: skip
    split = Node("SPLIT_V", (0, 1, 2), (3, 4), "SplitVOptions", {"numSplits": 2})
    yield Case((X, const([3, 5]), const(3), _y(1, 4, 4, 3), _y(1, 4, 4, 5)), (split,), (0,), (3, 4))


def test_moves(tmp_path: Path) -> None:
    assert compare(list(moves()), tmp_path) == len(list(moves()))


def absent() -> Iterator[Case]:
    """Operators that take int8 and not int16, in the reference as here."""
    yield one_op("DIV", [X, X], X, "DivOptions")
    for kind in ("ELU", "HARD_SWISH"):
        yield one_op(kind, [X], X)
    yield one_op("L2_NORMALIZATION", [X], X, "L2NormOptions")
    for kind in ("REDUCE_MAX", "REDUCE_MIN"):
        yield one_op(kind, [X, const([1, 2])], _y(1, 8), "ReducerOptions", keepDims=False)
    for kind, options in (("ARG_MAX", "ArgMaxOptions"), ("ARG_MIN", "ArgMinOptions")):
        yield one_op(kind, [X, const([3])], T((1, 4, 4), "int32"), options, outputType=2)
    yield one_op("GATHER", [X, const([0, 1])], _y(1, 4, 4, 2), "GatherOptions", axis=3)
    yield one_op("MIRROR_PAD", [X, PADDINGS], _y(1, 6, 7, 8), "MirrorPadOptions", mode=0)
    yield one_op("RESIZE_BILINEAR", [X, const([6, 9])], _y(1, 6, 9, 8), "ResizeBilinearOptions")
    blocks, none = const([2, 2]), const([[0, 0], [0, 0]])
    yield one_op("SPACE_TO_BATCH_ND", [X, blocks, none], _y(4, 2, 2, 8), "SpaceToBatchNDOptions")
    yield one_op("BATCH_TO_SPACE_ND", [_y(4, 2, 2, 8), blocks, none], X, "BatchToSpaceNDOptions")
    yield one_op("SPACE_TO_DEPTH", [X], _y(1, 2, 2, 32), "SpaceToDepthOptions", blockSize=2)
    yield one_op("DEPTH_TO_SPACE", [X], _y(1, 8, 8, 2), "DepthToSpaceOptions", blockSize=2)
    for kind in ("EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL"):
        yield one_op(kind, [X, X], TRUTH)


def _unset(case: Case, refusal: str) -> bool:
    """The reference compares int16 in GREATER alone, by multipliers that it never sets."""
    return case.nodes[0].kind == "GREATER" and "GREATER on int16" in refusal


def test_absent(tmp_path: Path) -> None:
    cases = list(absent())
    assert compare(cases, tmp_path, _unset) == 0
    for case in cases:
        refusal = importable(case)
        assert isinstance(refusal, BadInput) and "int16" in refusal.line and "\n" not in refusal.line


def hostile() -> Iterator[tuple[str, Case]]:
    """(a name, a model that must be refused): most of them the reference runs beside its buffers or undefined."""
    bare, narrow = T(X.shape, "int16"), d.q8(X.shape, 0.01, 0)
    tiny = d.q16(X.shape, 1e-12)
    reducer: dict[str, Any] = {"keepDims": False}
    for kind, options in binary.OPTIONS.items():
        yield f"{kind} to int8", one_op(kind, [X, X], narrow, options)
        yield f"{kind} of int16 and int8", one_op(kind, [X, narrow], X, options)
        yield f"{kind} without scales", one_op(kind, [bare, X], X, options)
        yield f"{kind} overflows", one_op(kind, [X, X], tiny, options)
    yield "prelu without scales", one_op("PRELU", [bare, d.q8((8,), 0.1, 0)], X)
    yield "prelu of int16", one_op("PRELU", [X, _y(8)], X)
    yield "prelu overflows", one_op("PRELU", [X, d.q8((8,), 0.1, 0)], tiny)
    for kind in ("RELU", "RELU6", "ABS", "RSQRT", "LOGISTIC", "TANH"):
        yield f"{kind} to int8", one_op(kind, [X], narrow)
        yield f"{kind} without scales", one_op(kind, [bare], X)
        yield f"{kind} shape", one_op(kind, [X], _y(1, 4))
    for kind in ("RELU", "ABS", "RSQRT"):
        yield f"{kind} overflows", one_op(kind, [X], tiny)
    yield "relu6 of a tiny scale", one_op("RELU6", [d.q16(X.shape, 1e-10)], X)
    yield "rsqrt underflows", one_op("RSQRT", [X], d.q16(X.shape, 1e6))
    yield "leaky relu overflows", one_op("LEAKY_RELU", [X], tiny, "LeakyReluOptions", alpha=0.1)
    yield "leaky relu alpha", one_op("LEAKY_RELU", [X], X, "LeakyReluOptions", alpha=float("nan"))
    for kind in ("MEAN", "SUM"):
        yield f"{kind} to int8", one_op(kind, [X, const([1])], replace(narrow, shape=(1, 4, 8)), "ReducerOptions",
                                        **reducer)  # fmt: skip
        yield f"{kind} overflows", one_op(kind, [X, const([1])], d.q16((1, 4, 8), 1e-9), "ReducerOptions", **reducer)
    yield "uint8 from float", one_op("QUANTIZE", [T((1, 6), "float32")], T((1, 6), "uint8", (0.1,), (0,)))
    yield "uint8 from int16", one_op("QUANTIZE", [d.q16((1, 6), 0.1)], T((1, 6), "uint8", (0.1,), (0,)))


@pytest.mark.parametrize(("name", "case"), list(hostile()), ids=[name for name, _ in hostile()])
def test_refused_in_one_line(name: str, case: Case) -> None:
    refusal = importable(case)
    assert isinstance(refusal, BadInput) and "\n" not in refusal.line and len(refusal.line) < 400


def test_int16_model_with_float_ends(tmp_path: Path) -> None:
    """Quantized, gated, pooled, normalized, and back."""
    shape, small = (1, 4, 4, 8), (1, 2, 2, 8)
    tensors = (
        T(shape, "float32"), d.q16(shape, 0.003), d.q16(shape, 2.0**-15), d.q16(shape, 2.0**-15),
        d.q16(shape, 2.0**-15), d.q16(small, 2.0**-15), d.q16(small, 0.0001), d.q16(small, 2.0**-15),
        T(small, "float32"),
    )  # fmt: skip
    window = {"padding": 1, "strideH": 2, "strideW": 2, "filterHeight": 2, "filterWidth": 2}
    nodes = (
        Node("QUANTIZE", (0,), (1,), "QuantizeOptions"),
        Node("LOGISTIC", (1,), (2,)),
        Node("TANH", (1,), (3,)),
        Node("MUL", (2, 3), (4,), "MulOptions"),
        Node("AVERAGE_POOL_2D", (4,), (5,), "Pool2DOptions", window),
        Node("LEAKY_RELU", (5,), (6,), "LeakyReluOptions", {"alpha": 0.2}),
        Node("SOFTMAX", (6,), (7,), "SoftmaxOptions", {"beta": 1.0}),
        Node("DEQUANTIZE", (7,), (8,), "DequantizeOptions"),
    )
    assert compare([Case(tensors, nodes, (0,), (8,), seed) for seed in range(3)], tmp_path) == 3


def _models() -> Iterator[Case]:
    strategies = [
        *(binary.binary(kind) for kind in binary.OPTIONS), binary.prelu(), softmax.softmax(),
        *(windows.pooled(kind) for kind in ("AVERAGE_POOL_2D", "MAX_POOL_2D")), windows.reduced("MEAN"),
    ]  # fmt: skip
    for strategy in strategies:
        yield from generate(strategy, 4)
    for strategy in [*(unary.rescaled(k) for k in ("RELU6", "LEAKY_RELU", "ABS", "RSQRT")), unary.saturating("TANH")]:
        for case in generate(strategy, 4):
            x, y = (replace(t, shape=(3, 7)) for t in case.tensors)
            yield replace(case, tensors=(x, y), given=())


def test_damaged_models_are_refused_or_safe(tmp_path: Path) -> None:
    generator = random.Random(16)
    graphs: list[Graph] = []
    for case in _models():
        found = (damage._accepted(damage._damaged(case.model, generator)) for _ in range(FLIPS))
        graphs += [graph for graph in found if graph is not None and graph.ops][:6]
    assert len(graphs) > 150
    for batch in range(0, len(graphs), MAX_INPUTS // 4):
        chunk = graphs[batch : batch + MAX_INPUTS // 4]
        samples = [[[_random(graph, i, generator) for i in graph.inputs]] for graph in chunk]
        native.run(chunk, samples, tmp_path / str(batch))


def _random(graph: Graph, index: int, generator: random.Random) -> native.npt.NDArray[Any]:
    tensor = graph.tensors[index]
    raw = np.frombuffer(generator.randbytes(tensor.nbytes), np.uint8)
    return (raw & 1 if tensor.dtype == "bool" else raw).view(native.NUMPY[tensor.dtype]).reshape(tensor.shape)
