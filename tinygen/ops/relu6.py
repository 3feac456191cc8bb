"""RELU6: values held between 0 and 6 by a table; TFLM does not rescale here, the input's scale is the output's."""

from __future__ import annotations

import numpy as np

from ..graph.ir import Graph, Op
from ._fixed_point import round_half_away
from ._lut import lut_code, shapes
from .base import Kernel, LayerCode, Operator, bad_layer, per_tensor


def emit(graph: Graph, op: Op) -> LayerCode:
    """Both bounds are in the input's units."""
    scale, zero_point = per_tensor(op, graph.input(op, 0))
    with np.errstate(over="ignore"):
        steps = float(np.float32(6.0) / np.float32(scale))
    if not steps < 2**30:
        raise bad_layer(op, f"its input scale {scale} is too small")
    six = min(127, round_half_away(steps) + zero_point)
    return lut_code(graph, op, lambda q: min(six, max(zero_point, q)))


OPERATOR = Operator(kind="RELU6", resolver="AddRelu6", shapes=shapes, kernels=(Kernel("lut_s8", "lut.h", emit),))
