"""The saturating functions LOGISTIC and TANH: gemmlowp's fixed point with 4 integer bits, saturated beyond a radius."""

from __future__ import annotations

import math
from collections.abc import Callable

from ..graph.ir import Op, Tensor
from ._fixed_point import requantized, round_half_away
from ._gemmlowp import divide_by_pot
from .base import bad_layer, per_tensor

INTEGER_BITS = 4


def saturating(
    op: Op, x: Tensor, function: Callable[[int, int], int], output_bits: int, zero_point: int
) -> Callable[[int], int]:
    """q → `function` of its real value with `output_bits` fractional bits, plus `zero_point`, as TFLM's kernels.

    Values whose magnitude reaches the radius of the fixed-point range give the ends of int8.
    """
    scale, in_zero_point = per_tensor(op, x)
    fraction, shift = math.frexp(scale * (1 << (31 - INTEGER_BITS)))
    if not 0 <= shift <= 62:
        raise bad_layer(op, f"its input scale {scale} is beyond what TensorFlow Lite Micro's arithmetic defines")
    multiplier = round_half_away(fraction * (1 << 31))
    radius = (((1 << INTEGER_BITS) - 1) << (31 - INTEGER_BITS)) >> shift

    def value(q: int) -> int:
        centred = q - in_zero_point
        if abs(centred) >= radius:
            return 127 if centred > 0 and centred >= radius else -128
        fixed = requantized(centred, multiplier, shift, 0)
        return max(-128, min(127, divide_by_pot(function(fixed, INTEGER_BITS), 31 - output_bits) + zero_point))

    return value
