"""ADD: the sum of two tensors, broadcast."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._add import add_code, read, shapes
from .base import FUSED, Kernel, LayerCode, Operator


def emit(graph: Graph, op: Op) -> LayerCode:
    """The portable kernel, which adds and subtracts."""
    return add_code(graph, op, sign=1)


OPERATOR = Operator(
    kind="ADD",
    resolver="AddAdd",
    fused=FUSED,
    limits="at most 4 loops over dimensions that broadcast alike",
    read=read,
    shapes=shapes,
    inputs=(2, 2),
    kernels=(Kernel("add_s8", "add.h", emit), Kernel("add_s16", "add.h", emit, dtypes=("int16",))),
)
