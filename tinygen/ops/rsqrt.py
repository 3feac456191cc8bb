"""RSQRT: 1 / √x, int8 by a table; defined where no value lies below the zero point, as in TFLM, which stops there."""

from __future__ import annotations

import math

from ..graph.ir import Graph, Op
from ._fixed_point import checked_multiplier, requantized
from ._inverse_sqrt import inverse_sqrt
from ._lut import lut_code, shapes
from .base import In, Kernel, LayerCode, Operator, Out, bad_layer, per_tensor, symmetric

EXTRA_BITS = 20


def _ratio(graph: Graph, op: Op) -> tuple[int, int]:
    """(multiplier, shift); the root, the product of the scales and its reciprocal are taken in double."""
    in_scale, out_scale = (per_tensor(op, t)[0] for t in (graph.input(op, 0), graph.output(op)))
    multiplier, shift = checked_multiplier(op, 1.0 / (math.sqrt(in_scale) * out_scale))
    if shift - EXTRA_BITS < -31:
        raise bad_layer(op, f"its scales differ by 2^{shift}, beyond what TensorFlow Lite Micro's arithmetic defines")
    return multiplier, shift - EXTRA_BITS


def emit(graph: Graph, op: Op) -> LayerCode:
    """x = 0 gives the largest value."""
    (_, in_zero), (_, out_zero) = (per_tensor(op, t) for t in (graph.input(op, 0), graph.output(op)))
    ratio = _ratio(graph, op)

    def value(q: int) -> int:
        if q <= in_zero:
            return 127
        root, root_shift = inverse_sqrt(q - in_zero)
        fixed = requantized(1, root, root_shift + EXTRA_BITS, 0)
        return max(-128, min(127, requantized(fixed, *ratio, out_zero)))

    return lut_code(graph, op, value)


def emit_s16(graph: Graph, op: Op) -> LayerCode:
    """The same, value by value; both zero points are 0."""
    x, y = graph.input(op, 0), graph.output(op)
    symmetric(op, x, y)
    multiplier, shift = _ratio(graph, op)
    return LayerCode(
        function="tg_rsqrt_s16",
        struct="tg_rsqrt_params",
        params=(("count", x.size), ("multiplier", multiplier), ("shift", shift)),
        args=(In(), Out()),
    )


OPERATOR = Operator(
    kind="RSQRT",
    resolver="AddRsqrt",
    limits="defined from the zero point up, where the reference stops below",
    shapes=shapes,
    kernels=(Kernel("lut_s8", "lut.h", emit), Kernel("rsqrt_s16", "rsqrt.h", emit_s16, dtypes=("int16",))),
)
