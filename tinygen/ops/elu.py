"""ELU: exp(x) - 1 below zero, by a table in float as the reference makes its own when a model starts."""

from __future__ import annotations

import math

import numpy as np

from ..graph.ir import Graph, Op
from ._fixed_point import round_half_away
from ._lut import lut_code, shapes
from .base import Kernel, LayerCode, Operator, bad_layer, per_tensor


def emit(graph: Graph, op: Op) -> LayerCode:
    """Each step is rounded to float; the exponential is the correctly rounded one of the real value."""
    (in_scale, in_zero), (out_scale, out_zero) = (per_tensor(op, t) for t in (graph.input(op, 0), graph.output(op)))
    with np.errstate(over="ignore"):
        inverse = np.float32(1) / np.float32(out_scale)

    def value(q: int) -> int:
        with np.errstate(over="ignore", invalid="ignore"):
            x = np.float32(in_scale) * np.float32(q - in_zero)
            transformed = x if x >= 0 else np.float32(math.exp(float(x))) - np.float32(1)
            steps = float(transformed * inverse)
        if not abs(steps) < 2**31 - 256:
            raise bad_layer(op, f"its output scale {out_scale} is too small for its input scale {in_scale}")
        return max(-128, min(127, round_half_away(steps) + out_zero))

    return lut_code(graph, op, value)


OPERATOR = Operator(kind="ELU", resolver="AddElu", shapes=shapes, kernels=(Kernel("lut_s8", "lut.h", emit),))
