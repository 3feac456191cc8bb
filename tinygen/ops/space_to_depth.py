"""SPACE_TO_DEPTH: blocks of pixels become channels."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._depth import checked, depth_kernel, read
from .base import Operator, Shape


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """[N, H / side, W / side, C · side²]."""
    (n, height, width, c), side = checked(graph, op, lambda x, side: not (x[1] % side or x[2] % side))
    return ((n, height // side, width // side, c * side * side),)


OPERATOR = Operator(
    kind="SPACE_TO_DEPTH",
    resolver="AddSpaceToDepth",
    limits="4 dimensions",
    read=read,
    shapes=shapes,
    kernels=(depth_kernel(True),),
)
