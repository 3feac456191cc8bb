"""DEPTH_TO_SPACE: channels become blocks of pixels."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._depth import checked, depth_kernel, read
from .base import Operator, Shape


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """[N, H · side, W · side, C / side²]."""
    (n, height, width, c), side = checked(graph, op, lambda x, side: x[3] % (side * side) == 0)
    return ((n, height * side, width * side, c // (side * side)),)


OPERATOR = Operator(
    kind="DEPTH_TO_SPACE",
    resolver="AddDepthToSpace",
    limits="4 dimensions",
    read=read,
    shapes=shapes,
    kernels=(depth_kernel(False),),
)
