"""SOFTMAX: the exponentials of differences from the maximum come from a table; of int8 in gemmlowp's fixed point."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..flatbuffer import Table
from ..graph.ir import Graph, Op
from ._fixed_point import quantize_multiplier
from ._gemmlowp import exp_on_negative, high_mul
from ._softmax16 import TOLERANCE, softmax16
from .base import Const, Constant, In, Kernel, LayerCode, Operator, Out, Shape, bad_layer, per_tensor, unsupported

INTEGER_BITS = 5
WIDE_SCALE = 1.0 / 65536.0
MAX_DEPTH = 8191  # the sum of a row is held in 13 integer bits
MAX_DEPTH_S16 = 4095  # and in 12, where the output is int16


@dataclass(frozen=True)
class Softmax:
    """SoftmaxOptions."""

    beta: float


def read(options: Table) -> Softmax:
    """SoftmaxOptions."""
    return Softmax(options.float32(0))


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """The input's."""
    x = graph.input(op, 0)
    if not x.shape:
        raise bad_layer(op, "needs at least one dimension")
    return (x.shape,)


def exponentials(op: Op, beta: float, scale: float) -> list[int]:
    """exp(-beta · scale · d) in Q0.31 for d = 0, 1, … up to 255; beyond the last the reference counts 0."""
    largest = (1 << 31) - 1.0
    real = min(beta * scale * (1 << (31 - INTEGER_BITS)), largest)
    if not real > 1.0:
        raise bad_layer(op, f"beta {beta} times the input scale {scale} is below what the reference takes")
    multiplier, left = quantize_multiplier(real)
    radius = math.floor(((1 << INTEGER_BITS) - 1) * (1 << (31 - INTEGER_BITS)) / (1 << left))
    return [exp_on_negative(high_mul(-d << left, multiplier), INTEGER_BITS) for d in range(min(255, radius) + 1)]


def _rows(graph: Graph, op: Op, function: str, max_depth: int) -> LayerCode:
    """The call over rows of the last dimension."""
    x, depth = graph.input(op, 0), graph.input(op, 0).shape[-1]
    if depth > max_depth:
        raise unsupported(op, f"a row of {depth} values, more than {max_depth}, is not supported", "Fewer classes.")
    table = exponentials(op, op.attrs.beta, per_tensor(op, x)[0])
    return LayerCode(
        function=function,
        struct="tg_softmax_params",
        params=(("rows", x.size // depth), ("depth", depth), ("table_size", len(table))),
        constants=(Constant("exp", "int32_t", np.array(table, np.int32), table=True),),
        args=(In(), Const("exp"), Out()),
    )


def emit(graph: Graph, op: Op) -> LayerCode:
    """int8 to int8.

    Where the exponentials of a row add up to 512 and more, the reference stops by an assertion: there, every output
    is the lowest value, as the real ones round to.
    """
    if per_tensor(op, graph.output(op)) != (1.0 / 256.0, -128):
        raise bad_layer(op, "its output must have scale 1/256 and zero point -128")
    return _rows(graph, op, "tg_softmax_s8", MAX_DEPTH)


def is_wide(graph: Graph, op: Op) -> bool:
    """int8 to int16."""
    return graph.output(op).dtype == "int16"


def emit_wide(graph: Graph, op: Op) -> LayerCode:
    """int8 to int16, whose scale must be near 2^-16."""
    scale, zero_point = per_tensor(op, graph.output(op))
    if abs(scale - WIDE_SCALE) > TOLERANCE * WIDE_SCALE or zero_point != -32768:
        raise bad_layer(op, "its output must have scale 1/65536 and zero point -32768")
    return _rows(graph, op, "tg_softmax_s8_s16", MAX_DEPTH_S16)


def emit_s16(graph: Graph, op: Op) -> LayerCode:
    """int16 to int16."""
    return softmax16(graph, op, op.attrs.beta)


OPERATOR = Operator(
    kind="SOFTMAX",
    resolver="AddSoftmax",
    limits="rows of up to 8191 values; output scale 1/256, zero point -128",
    read=read,
    shapes=shapes,
    kernels=(
        Kernel("softmax_s8_s16", "softmax.h", emit_wide, supports=is_wide, converts=True),
        Kernel("softmax_s8", "softmax.h", emit),
        Kernel("softmax_s16", "softmax_s16.h", emit_s16, dtypes=("int16",)),
    ),
)
