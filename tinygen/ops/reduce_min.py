"""REDUCE_MIN: the smallest value over any axes; scales and zero points stay."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._reduce import extreme_code, read, shapes
from .base import Kernel, LayerCode, Operator


def emit(graph: Graph, op: Op) -> LayerCode:
    """The portable kernel."""
    return extreme_code(graph, op, "tg_reduce_min_s8")


OPERATOR = Operator(
    kind="REDUCE_MIN",
    resolver="AddReduceMin",
    limits="constant axes, at most 3 groups of neighbouring ones",
    read=read,
    shapes=shapes,
    inputs=(2, 2),
    kernels=(Kernel("reduce_min_s8", "reduce_extreme.h", emit),),
)
