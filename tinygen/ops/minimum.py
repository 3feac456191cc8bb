"""MINIMUM: the smaller of two tensors' values, broadcast; TFLM compares them as they stand, whatever their scales."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._add import shapes
from ._extreme import DTYPES, extreme_code
from .base import Kernel, LayerCode, Operator


def emit(graph: Graph, op: Op) -> LayerCode:
    """The portable kernel."""
    return extreme_code(graph, op, "tg_minimum")


OPERATOR = Operator(
    kind="MINIMUM",
    resolver="AddMinimum",
    limits="at most 4 loops over dimensions that broadcast alike",
    shapes=shapes,
    inputs=(2, 2),
    kernels=(Kernel("minimum", "extreme.h", emit, dtypes=DTYPES),),
)
