"""EXPAND_DIMS: the same bytes with one more dimension of 1."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._move import constant_ints
from ._view import COPY, is_view
from .base import Operator, Shape, bad_layer


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """The input's shape with a 1 at the axis."""
    x = graph.input(op, 0)
    axes = constant_ints(graph, op, 1, "axes")
    rank = len(x.shape)
    if len(axes) != 1 or not -rank - 1 <= axes[0] <= rank:
        raise bad_layer(op, f"axis {axes} does not exist beside the {rank} of its input")
    at = axes[0] if axes[0] >= 0 else axes[0] + rank + 1
    return ((*x.shape[:at], 1, *x.shape[at:]),)


OPERATOR = Operator(
    kind="EXPAND_DIMS",
    resolver="AddExpandDims",
    limits="a constant axis",
    shapes=shapes,
    inputs=(2, 2),
    view=is_view,
    kernels=(COPY,),
)
