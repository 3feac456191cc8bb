"""LEAKY_RELU: negative values times alpha, int8 by a table; the ratios of the scales are formed in double."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..flatbuffer import Table
from ..graph.ir import Graph, Op
from ._fixed_point import checked_multiplier, reach, requantized
from ._lut import lut_code, shapes
from .base import In, Kernel, LayerCode, Operator, Out, bad_layer, per_tensor


@dataclass(frozen=True)
class LeakyRelu:
    """LeakyReluOptions."""

    alpha: float


def read(options: Table) -> LeakyRelu:
    """LeakyReluOptions."""
    return LeakyRelu(options.float32(0))


Pair = tuple[int, int]


def ratios(graph: Graph, op: Op, largest: Pair = (1, 1)) -> tuple[Pair, Pair, int]:
    """(multiplier, shift) of the positive values and of the negative ones, and the sign of alpha.

    A negative alpha multiplies by its magnitude and changes the sign of what comes out.
    """
    in_scale, out_scale = (per_tensor(op, t)[0] for t in (graph.input(op, 0), graph.output(op)))
    if not math.isfinite(op.attrs.alpha):
        raise bad_layer(op, f"alpha {op.attrs.alpha} is not a number")
    slope = in_scale * op.attrs.alpha / out_scale
    positive = checked_multiplier(op, in_scale / out_scale, largest[0])
    return positive, checked_multiplier(op, abs(slope), largest[1]), -1 if slope < 0 else 1


def emit(graph: Graph, op: Op) -> LayerCode:
    """A table of int8."""
    (_, in_zero), (_, out_zero) = (per_tensor(op, t) for t in (graph.input(op, 0), graph.output(op)))
    positive, negative, sign = ratios(graph, op)

    def value(q: int) -> int:
        centred = q - in_zero
        if centred >= 0:
            return max(-128, min(127, requantized(centred, *positive, out_zero)))
        return max(-128, min(127, out_zero + sign * requantized(centred, *negative, 0)))

    return lut_code(graph, op, value)


def emit_s16(graph: Graph, op: Op) -> LayerCode:
    """Value by value."""
    x, y = graph.input(op, 0), graph.output(op)
    positive, negative, sign = ratios(graph, op, reach(op, x))
    return LayerCode(
        function="tg_leaky_relu_s16",
        struct="tg_leaky_relu_params",
        params=(
            ("count", x.size),
            ("input_offset", -per_tensor(op, x)[1]),
            ("positive_multiplier", positive[0]),
            ("positive_shift", positive[1]),
            ("negative_multiplier", negative[0]),
            ("negative_shift", negative[1]),
            ("negative_sign", sign),
            ("output_zero_point", per_tensor(op, y)[1]),
        ),
        args=(In(), Out()),
    )


OPERATOR = Operator(
    kind="LEAKY_RELU",
    resolver="AddLeakyRelu",
    read=read,
    shapes=shapes,
    kernels=(Kernel("lut_s8", "lut.h", emit), Kernel("leaky_relu_s16", "leaky_relu.h", emit_s16, dtypes=("int16",))),
)
