"""HARD_SWISH: x · relu6(x + 3) / 6 by a table, in the 16-bit arithmetic of the reference.

1. x gets 7 more bits; times the ratio of the scales (16-bit multiplier) it is the output, not yet shifted.
2. x rescaled so that 3.0 is 2^15, saturating, then halved with an offset, is the factor between 0 and 1.
3. Their product, rounded towards zero, is shifted to the output.
"""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._fixed_point import checked_multiplier
from ._lut import lut_code, shapes
from .base import Kernel, LayerCode, Operator, bad_layer, per_tensor

RELUISH_SCALE = 3.0 / 32768.0


def wrap16(x: int) -> int:
    """An integer wrapped to int16."""
    return (x + (1 << 15)) % (1 << 16) - (1 << 15)


def _saturate16(x: int) -> int:
    return max(-(1 << 15), min((1 << 15) - 1, x))


def _high_mul16(a: int, b: int) -> int:
    """Saturating rounding doubling high multiply of int16."""
    return 32767 if a == b == -32768 else (a * b + (1 << 14)) >> 15


def _divide_by_pot16(x: int, exponent: int) -> int:
    """gemmlowp's rounding division; its mask is an int16 too, which is -1 from an exponent of 16 on."""
    mask = wrap16((1 << exponent) - 1)
    return wrap16((x >> exponent) + ((x & mask) > (mask >> 1) + (x < 0)))


def _to_16_bits(multiplier: int) -> int:
    return 32767 if multiplier >= (1 << 31) - 1 - (1 << 15) else (multiplier + (1 << 15)) >> 16


def emit(graph: Graph, op: Op) -> LayerCode:
    """Both ratios are formed in double."""
    (in_scale, in_zero), (out_scale, out_zero) = (per_tensor(op, t) for t in (graph.input(op, 0), graph.output(op)))
    hires = in_scale / 128.0
    out_multiplier, out_exponent = checked_multiplier(op, hires / out_scale)
    factor_multiplier, factor_exponent = checked_multiplier(op, hires / RELUISH_SCALE)
    if out_exponent > 0:
        raise bad_layer(op, f"its output scale {out_scale} is too small for its input scale {in_scale}")
    out16, factor16 = _to_16_bits(out_multiplier), _to_16_bits(factor_multiplier)

    def value(q: int) -> int:
        x = (q - in_zero) * 128
        unshifted = _high_mul16(x, out16)
        factor = _saturate16(x << max(factor_exponent - 1, 0))
        factor = _high_mul16(factor, factor16)
        if factor_exponent > 0:
            factor = _saturate16(factor * 2)
        elif factor_exponent < 0:
            factor = _divide_by_pot16(factor, -factor_exponent)
        factor = (factor + (1 << 15)) >> 1
        product = factor * unshifted
        towards_zero = abs(product) // (1 << 15) * (1 if product >= 0 else -1)
        out = wrap16(_divide_by_pot16(towards_zero, -out_exponent) + out_zero)
        return max(-128, min(127, out))

    return lut_code(graph, op, value)


OPERATOR = Operator(
    kind="HARD_SWISH", resolver="AddHardSwish", shapes=shapes, kernels=(Kernel("lut_s8", "lut.h", emit),)
)
