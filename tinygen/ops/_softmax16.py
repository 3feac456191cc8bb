"""SOFTMAX of int16: exponentials and the reciprocal of their sum are interpolated in tables of 513 places.

The tables are the same in every model. The reference makes them in float32 when a model starts; each step is rounded so
here too, with the exponential correctly rounded.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np

from ..graph.ir import Array, Graph, Op
from ._fixed_point import RANGES, checked_multiplier, round_half_away
from .base import Const, Constant, In, LayerCode, Out, bad_layer, per_tensor, symmetric, unsupported

STEPS = 512
MAX_DEPTH = 65535  # the sum of a row is held in 16 integer bits
OUTPUT_SCALE = 1.0 / 32768.0
TOLERANCE = 0.001  # of the output's scale
LARGEST_DIFFERENCE = 65535

Float = np.float32


def _rounded(value: Float) -> Float:
    nearest: Float = Float(round_half_away(float(value)))
    return nearest


def _table(input_scale: Float, input_zero: int, function: Callable[[Float], Float]) -> Array:
    """`function` at 513 places of the int16 range, in Q15.

    Each value is lowered by half of what a straight line to the next lies too high in the middle.
    """
    low, high = RANGES["int16"]
    output_scale = Float(2) / Float(high - low)
    first, last = input_scale * Float(low - input_zero), input_scale * Float(high - input_zero)
    step = (last - first) / Float(STEPS)
    to_q15 = Float(high - low + 1) / (output_scale * Float(high) - output_scale * Float(low))
    values = []
    for i in range(STEPS):
        here = _rounded(function(first + Float(i) * step) * to_q15)
        middle = _rounded(function(first + Float(i) * step + step / Float(2)) * to_q15)
        after = function(first + Float(i + 1) * step) * to_q15
        error = _rounded((after + here) / Float(2)) - middle
        values.append(here - _rounded(error / Float(2)))
    values.append(_rounded(function(last) * to_q15))
    table: Array = np.clip(values, low, high).astype(np.int16)
    table.setflags(write=False)
    return table


@cache
def exponentials() -> Array:
    """exp(x) from -10 to 0."""
    high = RANGES["int16"][1]
    return _table(Float(10) / Float(LARGEST_DIFFERENCE), high, lambda x: Float(math.exp(float(x))))


@cache
def reciprocals() -> Array:
    """1 / (1 + x) from 0 to 1."""
    low = RANGES["int16"][0]
    return _table(Float(1) / Float(LARGEST_DIFFERENCE), low, lambda x: Float(1) / (Float(1) + x))


def softmax16(graph: Graph, op: Op, beta: float) -> LayerCode:
    """The call over rows of the last dimension; differences of 65535 are scaled to -10."""
    x, y = graph.input(op, 0), graph.output(op)
    symmetric(op, x, y)
    (in_scale, _), (out_scale, _), depth = per_tensor(op, x), per_tensor(op, y), x.shape[-1]
    if abs(out_scale - OUTPUT_SCALE) > TOLERANCE * OUTPUT_SCALE:
        raise bad_layer(op, f"its output has scale {out_scale}, needed 2^-15")
    if depth > MAX_DEPTH:
        raise unsupported(op, f"a row of {depth} values, more than {MAX_DEPTH}, is not supported")
    ratio = in_scale * beta / (10.0 / LARGEST_DIFFERENCE)
    multiplier, shift = checked_multiplier(op, ratio, LARGEST_DIFFERENCE)
    return LayerCode(
        function="tg_softmax_s16",
        struct="tg_softmax_s16_params",
        params=(("rows", x.size // depth), ("depth", depth), ("multiplier", multiplier), ("shift", shift)),
        constants=(
            Constant("exp", "int16_t", exponentials(), table=True),
            Constant("reciprocal", "int16_t", reciprocals(), table=True),
        ),
        args=(In(), Const("exp"), Const("reciprocal"), Out()),
    )
