"""RSQRT: 1 / √x by a table; defined where no value lies below the zero point, as in TFLM, which stops there."""

from __future__ import annotations

import math

from ..graph.ir import Graph, Op
from ._fixed_point import checked_multiplier, requantized
from ._inverse_sqrt import inverse_sqrt
from ._lut import lut_code, shapes
from .base import Kernel, LayerCode, Operator, bad_layer, per_tensor

EXTRA_BITS = 20


def emit(graph: Graph, op: Op) -> LayerCode:
    """The root, the product of the scales and its reciprocal are taken in double; x = 0 gives the largest value."""
    (in_scale, in_zero), (out_scale, out_zero) = (per_tensor(op, t) for t in (graph.input(op, 0), graph.output(op)))
    multiplier, shift = checked_multiplier(op, 1.0 / (math.sqrt(in_scale) * out_scale))
    if shift - EXTRA_BITS < -31:
        raise bad_layer(op, f"its scales differ by 2^{shift}, beyond what TensorFlow Lite Micro's arithmetic defines")

    def value(q: int) -> int:
        if q <= in_zero:
            return 127
        root, root_shift = inverse_sqrt(q - in_zero)
        fixed = requantized(1, root, root_shift + EXTRA_BITS, 0)
        return max(-128, min(127, requantized(fixed, multiplier, shift - EXTRA_BITS, out_zero)))

    return lut_code(graph, op, value)


OPERATOR = Operator(
    kind="RSQRT",
    resolver="AddRsqrt",
    limits="defined from the zero point up, where the reference stops below",
    shapes=shapes,
    kernels=(Kernel("lut_s8", "lut.h", emit),),
)
