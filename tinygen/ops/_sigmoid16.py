"""LOGISTIC and TANH of int16: interpolated in one table of the logistic function, at places 1/24 apart."""

from __future__ import annotations

import math

import numpy as np

from ..graph.ir import Array, Graph, Op
from .base import Const, Constant, In, LayerCode, Out, bad_layer, per_tensor, symmetric

INTEGER_BITS = 3
OUTPUT_BITS = 15
#: How near a scale must come to a power of two to count as one, in its logarithm.
TOLERANCE = 1e-3


def nearest_power(scale: float) -> tuple[int, bool]:
    """(the logarithm to base 2 rounded, whether it is that but for TOLERANCE), in float32 as TFLM's CheckedLog2."""
    log2 = np.log(np.float32(scale)) * (np.float32(1) / np.log(np.float32(2)))
    return round(float(log2)), abs(log2 - np.round(log2)) < np.float32(TOLERANCE)


def _logistic(place: float) -> float:
    return 65536.0 / (1.0 + math.exp(-place / 24.0))


def table() -> Array:
    """1 / (1 + exp(-i / 24)) in Q16, i from 0 to 255, less a half, which is 2^15: TFLM's table.

    Each value is raised by half of what a straight line to the next lies too low in the middle; the last is the
    largest of 16 bits.
    """
    lifted = []
    for i in range(255):
        here, middle, after = _logistic(i), _logistic(i + 0.5), _logistic(i + 1)
        lifted.append(math.floor(here + (middle - (here + after) / 2) / 2 + 0.5))
    return np.array([value - 32768 for value in (*lifted, 65535)], np.int16)


def _scaling(op: Op, scale: float, exact_shifts: tuple[int, ...]) -> tuple[int, int]:
    """(multiplier, right shift) that bring x to 1/3 of 2^-12; powers of two are scaled by 3 alone."""
    power, is_power = nearest_power(scale)
    left = OUTPUT_BITS - INTEGER_BITS + power
    if is_power and left in exact_shifts:
        return 3 << left, 0
    multiplier, right = scale * 4096.0 * 3.0, 0
    while multiplier <= 32767.0 / 2.0 and right <= 30:
        multiplier, right = multiplier * 2.0, right + 1
    if not 1.0 <= multiplier < 32768.0:
        raise bad_layer(op, f"its input scale {scale} is beyond what TensorFlow Lite Micro takes, 2^-44.5 to 2.66")
    return int(multiplier), right


def interpolated(graph: Graph, op: Op, function: str, exact_shifts: tuple[int, ...]) -> LayerCode:
    """The call of `function`; both zero points are 0 and the output's scale is 2^-15.

    `exact_shifts` are the powers of two, above 2^-12, that the function takes without a multiplier.
    """
    x, y = graph.input(op, 0), graph.output(op)
    symmetric(op, x, y)
    (in_scale, _), (out_scale, _) = per_tensor(op, x), per_tensor(op, y)
    if nearest_power(out_scale) != (-OUTPUT_BITS, True):
        raise bad_layer(op, f"its output has scale {out_scale}, needed 2^-15")
    multiplier, shift = _scaling(op, in_scale, exact_shifts)
    return LayerCode(
        function=function,
        struct="tg_sigmoid_params",
        params=(("count", x.size), ("multiplier", multiplier), ("shift", shift)),
        constants=(Constant("sigmoid", "int16_t", table(), table=True),),
        args=(In(), Const("sigmoid"), Out()),
    )
