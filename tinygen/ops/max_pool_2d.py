"""MAX_POOL_2D: the largest tap inside the image."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._pool import pool_code, read, shapes
from .base import FUSED, Kernel, LayerCode, Operator


def emit(graph: Graph, op: Op) -> LayerCode:
    """The portable kernel."""
    return pool_code(graph, op, "tg_max_pool")


OPERATOR = Operator(
    kind="MAX_POOL_2D",
    resolver="AddMaxPool2D",
    fused=FUSED,
    limits="input and output of one scale and zero point",
    read=read,
    shapes=shapes,
    kernels=(
        Kernel("max_pool_s8", "max_pool_2d.h", emit),
        Kernel("max_pool_s16", "max_pool_2d.h", emit, dtypes=("int16",)),
    ),
)
