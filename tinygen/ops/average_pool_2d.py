"""AVERAGE_POOL_2D: the mean of the taps inside the image, rounded half away from zero."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._pool import pool_code, read, shapes
from .base import FUSED, Kernel, LayerCode, Operator


def emit(graph: Graph, op: Op) -> LayerCode:
    """The portable kernel."""
    return pool_code(graph, op, "tg_average_pool_s8")


OPERATOR = Operator(
    kind="AVERAGE_POOL_2D",
    resolver="AddAveragePool2D",
    fused=FUSED,
    limits="input and output of one scale and zero point",
    read=read,
    shapes=shapes,
    kernels=(Kernel("average_pool_s8", "average_pool_2d.h", emit),),
)
