"""LEAKY_RELU: negative values times alpha, by a table; the ratios of the scales are formed in double."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..flatbuffer import Table
from ..graph.ir import Graph, Op
from ._fixed_point import checked_multiplier, requantized
from ._lut import lut_code, shapes
from .base import Kernel, LayerCode, Operator, bad_layer, per_tensor


@dataclass(frozen=True)
class LeakyRelu:
    """LeakyReluOptions."""

    alpha: float


def read(options: Table) -> LeakyRelu:
    """LeakyReluOptions."""
    return LeakyRelu(options.float32(0))


def emit(graph: Graph, op: Op) -> LayerCode:
    """A negative alpha multiplies by its magnitude and changes the sign of what comes out."""
    alpha = op.attrs.alpha
    (in_scale, in_zero), (out_scale, out_zero) = (per_tensor(op, t) for t in (graph.input(op, 0), graph.output(op)))
    if not math.isfinite(alpha):
        raise bad_layer(op, f"alpha {alpha} is not a number")
    multiplier, shift = checked_multiplier(op, in_scale / out_scale)
    slope = in_scale * alpha / out_scale
    alpha_multiplier, alpha_shift = checked_multiplier(op, abs(slope))

    def value(q: int) -> int:
        centred = q - in_zero
        if centred >= 0:
            return max(-128, min(127, requantized(centred, multiplier, shift, out_zero)))
        scaled = requantized(centred, alpha_multiplier, alpha_shift, 0)
        return max(-128, min(127, out_zero + (-scaled if slope < 0 else scaled)))

    return lut_code(graph, op, value)


OPERATOR = Operator(
    kind="LEAKY_RELU", resolver="AddLeakyRelu", read=read, shapes=shapes, kernels=(Kernel("lut_s8", "lut.h", emit),)
)
