"""What a hostile or unusual file can say about an operator: refused with a clear line, before any C is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import draw as d
import numpy as np
import pytest
from build_tflite import T, const
from cases import Case, one_op

from tinygen.errors import BadInput
from tinygen.frontend.importer import import_tflite
from tinygen.ops.lowering import lower

X = d.q8((2, 3, 4, 5), 0.5, 3)
FLAT = d.q8((1, 6), 0.5, 3)
POOL = {"padding": 1, "strideH": 1, "strideW": 1, "filterHeight": 1, "filterWidth": 1}
CONV = {"padding": 0, "strideH": 1, "strideW": 1}
W = T((4, 1, 1, 5), "int8", (0.1,), (0,), 0, np.ones((4, 1, 1, 5), np.int8))
RUNTIME = T((4,), "int32")


def _slice(begin: list[int], end: list[int], step: list[int], out: tuple[int, ...], **masks: Any) -> Case:
    inputs = [X, const(begin), const(end), const(step)]
    return one_op("STRIDED_SLICE", inputs, replace(X, shape=out), "StridedSliceOptions", **masks)


def _conv(x: T = X, w: T = W, y: T | None = None, extra: tuple[T, ...] = (), **fields: Any) -> Case:
    out = y or d.q8((2, 3, 4, 4), 0.5, 0)
    return one_op("CONV_2D", [x, w, *extra], out, "Conv2DOptions", **(CONV | fields))


def hostile() -> Iterator[tuple[str, Case]]:
    """(a name, a model that must be refused)."""
    yield "transpose order twice", one_op("TRANSPOSE", [X, const([0, 1, 1, 3])], X)
    yield "transpose order out of range", one_op("TRANSPOSE", [X, const([0, 1, 2, 9])], X)
    yield "transpose order negative", one_op("TRANSPOSE", [X, const([0, 1, 2, -1])], X)
    yield "transpose order too short", one_op("TRANSPOSE", [X, const([0, 1])], X)
    yield "transpose order at run time", one_op("TRANSPOSE", [X, RUNTIME], X)
    yield "transpose wrong output", one_op("TRANSPOSE", [X, const([1, 0, 2, 3])], X)
    yield "pad below zero", one_op("PAD", [X, const([[0, 0], [-1, 0], [0, 0], [0, 0]])], replace(X, shape=(2, 2, 4, 5)))
    yield "pad huge", one_op("PAD", [FLAT, const([[0, 0], [0, 2**31 - 1]])], replace(FLAT, shape=(1, 5)))
    yield "pad too few", one_op("PAD", [X, const([[0, 0]])], X)
    yield "pad int64", one_op("PAD", [FLAT, const([[0, 0], [0, 0]], "int64")], FLAT)
    yield "pad at run time", one_op("PAD", [FLAT, T((2, 2), "int32")], FLAT)
    yield "pad value of two", one_op("PADV2", [FLAT, const([[0, 0], [0, 0]]), const([1, 2], "int8")], FLAT)
    yield "concatenation axis", one_op("CONCATENATION", [FLAT, FLAT], FLAT, "ConcatenationOptions", axis=7)
    yield "concatenation shapes", one_op("CONCATENATION", [FLAT, X], FLAT, "ConcatenationOptions", axis=0)
    for dtype in ("float32", "int64"):
        yield (
            f"concatenation with constant {dtype}",
            one_op(
                "CONCATENATION",
                [T((1, 2), dtype), const([[1, 2]], dtype)],
                T((1, 4), dtype),
                "ConcatenationOptions",
                axis=1,
            ),
        )
    yield (
        "add of five loops",
        one_op(
            "ADD", [d.q8((2, 1, 2, 1, 2), 1, 0), d.q8((1, 3, 1, 3, 1), 1, 0)], d.q8((2, 3, 2, 3, 2), 2, 0), "AddOptions"
        ),
    )
    yield "mean axis", one_op("MEAN", [X, const([4])], X, "ReducerOptions", keepDims=True)
    yield "mean axes at run time", one_op("MEAN", [X, T((1,), "int32")], X, "ReducerOptions", keepDims=True)
    yield "mean axes int64", one_op("MEAN", [FLAT, const([0], "int64")], FLAT, "ReducerOptions", keepDims=True)
    yield (
        "mean of six groups",
        one_op(
            "MEAN", [d.q8((2,) * 8, 1, 0), const([0, 2, 4, 6])], d.q8((2,) * 4, 1, 0), "ReducerOptions", keepDims=False
        ),
    )
    yield "expand axis", one_op("EXPAND_DIMS", [FLAT, const([5])], replace(FLAT, shape=(1, 6, 1)))
    yield "squeeze of six", one_op("SQUEEZE", [FLAT], replace(FLAT, shape=(1,)), "SqueezeOptions", squeezeDims=[1])
    yield "squeeze out of range", one_op("SQUEEZE", [FLAT], FLAT, "SqueezeOptions", squeezeDims=[5])
    yield "slice stride 0", _slice([0] * 4, [2, 3, 4, 5], [1, 0, 1, 1], (2, 3, 4, 5))
    yield "slice empty", _slice([0] * 4, [0, 3, 4, 5], [1] * 4, (0, 3, 4, 5))
    yield "slice element out of range", _slice([9, 0, 0, 0], [9, 3, 4, 5], [1] * 4, (3, 4, 5), shrinkAxisMask=1)
    yield "slice element backwards", _slice([1, 0, 0, 0], [0, 3, 4, 5], [-1, 1, 1, 1], (3, 4, 5), shrinkAxisMask=1)
    yield "slice too short", _slice([0], [2], [1], (2, 3, 4, 5))
    yield "slice ellipsis", _slice([0] * 4, [2, 3, 4, 5], [1] * 4, (2, 3, 4, 5), ellipsisMask=2)
    yield "slice new axis", _slice([0] * 4, [2, 3, 4, 5], [1] * 4, (2, 3, 4, 5), newAxisMask=1)
    yield "add to float", one_op("ADD", [FLAT, FLAT], T((1, 6), "float32", (0.5,), (0,)), "AddOptions")
    yield "add without a scale", one_op("ADD", [FLAT, T((1, 6))], FLAT, "AddOptions")
    yield "add fused tanh", one_op("ADD", [FLAT, FLAT], FLAT, "AddOptions", fusedActivationFunction=4)
    yield "add shapes", one_op("ADD", [FLAT, d.q8((1, 5), 1, 0)], FLAT, "AddOptions")
    least = d.q8((1, 6), 2.0**-31, -128)  # -1.0 is -2^31 steps, with the zero point below that
    small = replace(FLAT, scales=(0.03125,))
    yield "mul fused bound", one_op("MUL", [FLAT, small], least, "MulOptions", fusedActivationFunction=2)
    yield "mul of types", one_op("MUL", [FLAT, T((1, 6), "int16", (1.0,), (0,))], FLAT, "MulOptions")
    yield "pool stride 0", one_op("MAX_POOL_2D", [X], X, "Pool2DOptions", **(POOL | {"strideH": 0}))
    yield "pool window 0", one_op("MAX_POOL_2D", [X], X, "Pool2DOptions", **(POOL | {"filterWidth": 0}))
    yield "pool below zero", one_op("MAX_POOL_2D", [X], X, "Pool2DOptions", **(POOL | {"filterWidth": -3}))
    yield "conv dilation 0", _conv(dilationHFactor=0)
    yield "conv huge window", _conv(w=T((4, 600, 1, 5), "int8", (0.1,), (0,), 0, np.ones((4, 600, 1, 5), np.int8)),
                                     dilationHFactor=60000)  # fmt: skip
    yield "conv padding", _conv(padding=5)
    yield "conv weights at run time", _conv(w=replace(W, data=None))
    yield "conv weights' zero point", _conv(w=replace(W, zero_points=(1,)))
    yield "conv groups", _conv(w=T((4, 1, 1, 3), "int8", (0.1,), (0,), 0, np.ones((4, 1, 1, 3), np.int8)))
    yield "conv short bias", _conv(extra=(const([1, 2], "int32"),))
    yield "conv float bias", _conv(extra=(const([1, 2, 3, 4], "float32"),))
    yield "conv to int32", _conv(y=T((2, 3, 4, 4), "int32", (0.5,), (0,)))
    yield "conv left shift", _conv(y=d.q8((2, 3, 4, 4), 1e-12, 0))
    yield "relu left shift", one_op("RELU", [d.q8((1, 6), 1.0, 0)], d.q8((1, 6), 1e-11, 0))
    yield "leaky relu alpha", one_op("LEAKY_RELU", [FLAT], FLAT, "LeakyReluOptions", alpha=float("nan"))
    yield "logistic tiny scale", one_op("LOGISTIC", [d.q8((1, 6), 1e-12, 0)], d.q8((1, 6), 1 / 256, -128))
    yield "tanh huge scale", one_op("TANH", [d.q8((1, 6), 1e20, 0)], d.q8((1, 6), 1 / 128, 0))
    yield "relu6 tiny scale", one_op("RELU6", [d.q8((1, 6), 1e-20, 0)], d.q8((1, 6), 1e-20, 0))
    yield "hard swish", one_op("HARD_SWISH", [d.q8((1, 6), 1.0, 0)], d.q8((1, 6), 1e-3, 0))
    yield "softmax output", one_op("SOFTMAX", [FLAT], FLAT, "SoftmaxOptions", beta=1.0)
    yield "softmax beta", one_op("SOFTMAX", [FLAT], d.q8((1, 6), 1 / 256, -128), "SoftmaxOptions", beta=-1.0)
    yield "quantize to bool", one_op("QUANTIZE", [FLAT], T((1, 6), "bool"))
    yield "quantize without a scale", one_op("QUANTIZE", [T((1, 6), "float32")], T((1, 6)))
    yield "dequantize to int32", one_op("DEQUANTIZE", [FLAT], T((1, 6), "int32"))
    yield "reshape size", one_op("RESHAPE", [FLAT], replace(FLAT, shape=(1, 7)))
    yield "reshape scale", one_op("RESHAPE", [FLAT], replace(FLAT, shape=(6,), scales=(0.25,)))


@pytest.mark.parametrize(("name", "case"), list(hostile()), ids=[name for name, _ in hostile()])
def test_refused_in_one_line(name: str, case: Case) -> None:
    with pytest.raises(BadInput) as refusal:
        lower(import_tflite(case.model, "hostile"), frozenset())
    assert "\n" not in refusal.value.line and len(refusal.value.line) < 400
