"""LOGICAL_NOT: where a tensor does not hold."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._lut import shapes
from .base import In, Kernel, LayerCode, Operator, Out


def emit(graph: Graph, op: Op) -> LayerCode:
    """The portable kernel."""
    return LayerCode("tg_logical_not", args=(In(), Out(), graph.input(op, 0).size))


OPERATOR = Operator(
    kind="LOGICAL_NOT",
    resolver="AddLogicalNot",
    shapes=shapes,
    kernels=(Kernel("logical_not", "logical.h", emit, dtypes=("bool",)),),
)
