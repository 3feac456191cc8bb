"""SUM: the sum over any axes, rescaled."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._fixed_point import checked_multiplier
from ._reduce import input_output_ratio, read, shapes, sum_code
from .base import Kernel, LayerCode, Operator


def emit(graph: Graph, op: Op) -> LayerCode:
    """The kernel of MEAN, without the division."""
    return sum_code(graph, op, *checked_multiplier(op, input_output_ratio(graph, op)))


OPERATOR = Operator(
    kind="SUM",
    resolver="AddSum",
    limits="constant axes, at most 3 groups of neighbouring ones",
    read=read,
    shapes=shapes,
    inputs=(2, 2),
    kernels=(Kernel("mean_s8", "mean.h", emit), Kernel("mean_s16", "mean.h", emit, dtypes=("int16",))),
)
