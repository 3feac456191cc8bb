"""A model of one operator in its plainest form, on data of any type: what the reference takes of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from build_tflite import T, const
from cases import Case, one_op

TYPES = "float32 int8 int16 int32 int64 uint8 bool".split()
S = (1, 4, 4, 2)
NUMPY = {"bool": np.bool_}
#: TFLM reads whatever LOGICAL_AND is given as bool; resources and control flow have no data of a type.
UNCHECKED = frozenset("LOGICAL_AND LOGICAL_OR ASSIGN_VARIABLE CALL_ONCE IF READ_VARIABLE VAR_HANDLE WHILE".split())
#: Tested with their own operators, for each has a form of its own.
ELSEWHERE = frozenset("BROADCAST_ARGS EMBEDDING_LOOKUP SVDF UNIDIRECTIONAL_SEQUENCE_LSTM".split())


def q(shape: tuple[int, ...], dtype: str, scale: float = 0.05, zero_point: int = 0) -> T:
    return T(shape, dtype, *(((scale,), (zero_point,)) if dtype in ("int8", "int16", "uint8") else ()))


def w(shape: tuple[int, ...], dtype: str) -> T:
    if dtype == "float32":
        return T(shape, dtype, data=np.ones(shape, np.float32))
    kind = "uint8" if dtype == "uint8" else "int8"
    return T(shape, kind, (0.1,), (0,), 0, np.ones(shape, kind))


def ones(case: Case) -> Case:
    """The case with inputs of 1, for which every operator is defined."""
    shapes = [case.tensors[i] for i in case.inputs]
    return replace(case, given=(tuple(np.ones(t.shape, NUMPY.get(t.dtype, t.dtype)) for t in shapes),))


def alike(kind: str, operands: int, options: str = "", **fields: Any) -> Callable[[str], Case]:
    return lambda dtype: one_op(kind, [q(S, dtype)] * operands, q(S, dtype), options, **fields)


def saturating(kind: str, int8: tuple[float, int]) -> Callable[[str], Case]:
    def case(dtype: str) -> Case:
        scale = (1 / 32768, 0) if dtype == "int16" else int8
        more = {"options": "SoftmaxOptions", "beta": 1.0} if kind == "SOFTMAX" else {}
        return one_op(kind, [q(S, dtype)], q(S, dtype, *scale), **more)

    return case


def moved(kind: str, before: tuple[int, ...], after: tuple[int, ...], *more: T, **fields: Any) -> Callable[[str], Case]:
    options = fields.pop("options", "")
    return lambda dtype: one_op(kind, [q(before, dtype), *more], q(after, dtype), options, **fields)


def to(kind: str, result: T, operands: int = 1, *more: T, **fields: Any) -> Callable[[str], Case]:
    options = fields.pop("options", "")
    return lambda dtype: one_op(kind, [*[q(S, dtype)] * operands, *more], result, options, **fields)


def weighted(kind: str, shape: tuple[int, ...], channels: int, options: str, **fields: Any) -> Callable[[str], Case]:
    return lambda t: one_op(kind, [q(S, t), w(shape, t)], q((1, 4, 4, channels), t), options, **(fields | STRIDES))


ARITHMETIC = {"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions", "DIV": "DivOptions"}
POOL = {"options": "Pool2DOptions", "padding": 1, "strideH": 2, "strideW": 2, "filterHeight": 2, "filterWidth": 2}
STRIDES = {"strideH": 1, "strideW": 1}
QUARTERS = (const([2, 2]), const([[0, 0], [0, 0]]))
SIDE = const([[0, 0], [1, 1]])
FORMS: dict[str, Callable[[str], Case]] = {
    **{
        kind: alike(kind, 1)
        for kind in (
            "ABS CEIL COS ELU EXP FLOOR HARD_SWISH LOG LOGICAL_NOT NEG RELU RELU6 ROUND RSQRT SIN SQRT SQUARE "
            "ZEROS_LIKE"
        ).split()
    },
    **{kind: alike(kind, 2) for kind in "MAXIMUM MINIMUM FLOOR_DIV FLOOR_MOD SQUARED_DIFFERENCE ADD_N".split()},
    **{kind: alike(kind, 2, options) for kind, options in ARITHMETIC.items()},
    **{kind: to(kind, T(S, "bool"), 2) for kind in "EQUAL NOT_EQUAL LESS LESS_EQUAL GREATER GREATER_EQUAL".split()},
    **{kind: to(kind, T((1, 4, 4), "int32"), 1, const([3])) for kind in ("ARG_MAX", "ARG_MIN")},
    **{
        kind: moved(kind, S, (1, 1, 4, 2), const([1]), options="ReducerOptions", keepDims=True)
        for kind in "REDUCE_MAX REDUCE_MIN MEAN SUM REDUCE_ALL".split()
    },
    **{kind: moved(kind, S, (1, 2, 2, 2), **POOL) for kind in "AVERAGE_POOL_2D MAX_POOL_2D L2_POOL_2D".split()},
    "LEAKY_RELU": alike("LEAKY_RELU", 1, "LeakyReluOptions", alpha=0.1),
    "LOGISTIC": saturating("LOGISTIC", (1 / 256, -128)),
    "TANH": saturating("TANH", (1 / 128, 0)),
    "SOFTMAX": saturating("SOFTMAX", (1 / 256, -128)),
    "LOG_SOFTMAX": saturating("LOG_SOFTMAX", (1 / 16, 127)),
    "L2_NORMALIZATION": lambda t: one_op("L2_NORMALIZATION", [q(S, t)], q(S, t, 1 / 128), "L2NormOptions"),
    "PRELU": lambda t: one_op("PRELU", [q(S, t), q(S, "int8" if t == "int16" else t)], q(S, t)),
    "SELECT_V2": lambda t: one_op("SELECT_V2", [T(S, "bool"), q(S, t), q(S, t)], q(S, t)),
    "FILL": lambda t: one_op("FILL", [const([2, 3]), q((), t)], q((2, 3), t)),
    "CAST": to("CAST", T(S, "float32"), options="CastOptions"),
    "DEQUANTIZE": to("DEQUANTIZE", T(S, "float32")),
    "QUANTIZE": lambda t: one_op("QUANTIZE", [T(S, t, (0.05,), (0,))], q(S, "int8")),
    "SHAPE": to("SHAPE", T((4,), "int32"), options="ShapeOptions", outType=2),
    "BATCH_TO_SPACE_ND": moved("BATCH_TO_SPACE_ND", (4, 2, 2, 1), (1, 4, 4, 1), *QUARTERS),
    "SPACE_TO_BATCH_ND": moved("SPACE_TO_BATCH_ND", (1, 4, 4, 1), (4, 2, 2, 1), *QUARTERS),
    "DEPTH_TO_SPACE": moved("DEPTH_TO_SPACE", (1, 2, 2, 4), (1, 4, 4, 1), options="DepthToSpaceOptions", blockSize=2),
    "SPACE_TO_DEPTH": moved("SPACE_TO_DEPTH", (1, 4, 4, 1), (1, 2, 2, 4), options="SpaceToDepthOptions", blockSize=2),
    "GATHER": moved("GATHER", S, (1, 4, 4, 1), const([0]), options="GatherOptions", axis=3),
    "GATHER_ND": moved("GATHER_ND", (3, 4), (2, 4), const([[0], [1]])),
    "MIRROR_PAD": moved("MIRROR_PAD", (2, 3), (2, 5), SIDE, options="MirrorPadOptions"),
    "PAD": moved("PAD", (2, 3), (2, 5), SIDE),
    "PADV2": lambda t: one_op("PADV2", [q((2, 3), t), SIDE, q((1,), t)], q((2, 5), t)),
    "RESIZE_BILINEAR": moved("RESIZE_BILINEAR", S, (1, 8, 8, 2), const([8, 8]), options="ResizeBilinearOptions"),
    "RESIZE_NEAREST_NEIGHBOR": moved(
        "RESIZE_NEAREST_NEIGHBOR", S, (1, 8, 8, 2), const([8, 8]), options="ResizeNearestNeighborOptions"
    ),
    "TRANSPOSE": moved("TRANSPOSE", (2, 3), (3, 2), const([1, 0])),
    "EXPAND_DIMS": moved("EXPAND_DIMS", (2, 3), (1, 2, 3), const([0])),
    "SQUEEZE": moved("SQUEEZE", (1, 3), (3,), options="SqueezeOptions"),
    "RESHAPE": moved("RESHAPE", (1, 3), (3,), options="ReshapeOptions"),
    "BROADCAST_TO": moved("BROADCAST_TO", (1, 3), (2, 3), const([2, 3])),
    "REVERSE_V2": moved("REVERSE_V2", S, S, const([1])),
    "CUMSUM": moved("CUMSUM", (2, 3), (2, 3), const(1), options="CumsumOptions"),
    "SLICE": moved("SLICE", (2, 3), (2, 1), const([0, 1]), const([2, 1])),
    "STRIDED_SLICE": moved(
        "STRIDED_SLICE", (2, 3), (2, 1), const([0, 1]), const([2, 2]), const([1, 1]), options="StridedSliceOptions"
    ),
    "PACK": alike("PACK", 1, "PackOptions", axis=0, valuesCount=1),
    "CONCATENATION": alike("CONCATENATION", 1, "ConcatenationOptions", axis=0),
    "SPLIT": lambda t: one_op("SPLIT", [const(0), q((1, 3), t)], q((1, 3), t), "SplitOptions", numSplits=1),
    "SPLIT_V": moved("SPLIT_V", (1, 3), (1, 3), const([3]), const(1), options="SplitVOptions", numSplits=1),
    "UNPACK": moved("UNPACK", (1, 3), (3,), options="UnpackOptions", num=1, axis=0),
    "DYNAMIC_UPDATE_SLICE": lambda t: one_op(
        "DYNAMIC_UPDATE_SLICE", [q((2, 3), t), q((1, 3), t), const([0, 0])], q((2, 3), t)
    ),
    "BATCH_MATMUL": lambda t: one_op(
        "BATCH_MATMUL", [q((1, 2, 3), t), q((1, 3, 2), t)], q((1, 2, 2), t), "BatchMatMulOptions"
    ),
    "CONV_2D": weighted("CONV_2D", (3, 1, 1, 2), 3, "Conv2DOptions"),
    "DEPTHWISE_CONV_2D": weighted("DEPTHWISE_CONV_2D", (1, 1, 1, 2), 2, "DepthwiseConv2DOptions", depthMultiplier=1),
    "FULLY_CONNECTED": lambda t: one_op(
        "FULLY_CONNECTED", [q((1, 4), t), w((3, 4), t)], q((1, 3), t), "FullyConnectedOptions"
    ),
    "TRANSPOSE_CONV": lambda t: one_op(
        "TRANSPOSE_CONV",
        [const([1, 4, 4, 3]), w((3, 1, 1, 2), t), q(S, t)],
        q((1, 4, 4, 3), t),
        "TransposeConvOptions",
        **STRIDES,
    ),
}
