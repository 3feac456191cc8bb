"""Padding with one value: what PAD and PADV2 share."""

from __future__ import annotations

import numpy as np

from ..graph.ir import ITEM_BYTES, Graph, Op, constant
from ._move import constant_ints, contiguous, move_fields
from ._ways_out import CONSTANT, FEWER
from .base import In, Kernel, LayerCode, Out, Shape, bad_layer, unsupported

MAX_RANK = 5


def paddings(graph: Graph, op: Op) -> list[tuple[int, int]]:
    """(before, after) of each dimension."""
    x = graph.input(op, 0)
    values = constant_ints(graph, op, 1, "paddings")
    if len(values) != 2 * len(x.shape) or any(not 0 <= v < 1 << 28 for v in values):
        raise bad_layer(op, f"paddings {values} for an input {x.shape}")
    return list(zip(values[::2], values[1::2]))


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """The input's extents with the paddings added."""
    x = graph.input(op, 0)
    if not 1 <= len(x.shape) <= MAX_RANK:
        raise unsupported(op, f"padding {len(x.shape)} dimensions, not 1 to {MAX_RANK}, is not supported", FEWER)
    return (tuple(before + n + after for n, (before, after) in zip(x.shape, paddings(graph, op))),)


def pad_value(graph: Graph, op: Op) -> int:
    """The bit pattern to pad with: given, else the output's zero point (int8), else 0."""
    x, y, given = graph.input(op, 0), graph.output(op), graph.optional(op, 2)
    zero = y.quant.zero_point if y.quant else 0
    if given is None:
        return zero if x.dtype == "int8" else 0
    if given.data is None:
        raise unsupported(op, "a value to pad with that is known only at run time is not supported", CONSTANT)
    if given.dtype != x.dtype or given.size != 1:
        raise bad_layer(op, f"pads {x.dtype} with {given.dtype} of shape {given.shape}, needed one value")
    scale = y.quant.scale if y.quant else 0.0
    given_scale, given_zero = (given.quant.scale, given.quant.zero_point) if given.quant else (0.0, 0)
    if x.dtype == "int8" and (given_scale, given_zero) != (scale, zero):
        raise bad_layer(op, "the value to pad with has another scale or zero point than the output")
    value = constant(given).reshape(-1)
    return int(value.view("<i4")[0]) if x.dtype == "float32" else int(value[0])


def emit(graph: Graph, op: Op) -> LayerCode:
    """The output is filled, then the input moved into it."""
    x, y = graph.input(op, 0), graph.output(op)
    strides = contiguous(y.shape)
    start = sum(before * stride for (before, _), stride in zip(paddings(graph, op), strides))
    fields = move_fields(op, x.dtype, x.shape, contiguous(x.shape), strides, y_start=start)
    return LayerCode(
        function="tg_pad",
        struct="tg_pad_params",
        params=(
            *((f"inside.{name}", value) for name, value in fields),
            ("count", y.size),
            ("element_bytes", ITEM_BYTES[x.dtype]),
            ("value", int(np.int32(pad_value(graph, op)))),
        ),
        args=(In(), Out()),
    )


KERNEL = Kernel("pad", "pad.h", emit, dtypes=("int8", "int16", "int32", "float32"))
