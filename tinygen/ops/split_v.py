"""SPLIT_V: a tensor in parts of given extents along a constant axis."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._move import constant_ints
from ._split import constant_axis, split_kernel
from .base import Operator, Shape, bad_layer


def parts(graph: Graph, op: Op) -> tuple[int, list[int]]:
    """(axis, the extent of each output along it); one extent may be -1, what is left."""
    x = graph.input(op, 0)
    axis = constant_axis(graph, op, 2, x)
    said = constant_ints(graph, op, 1, "sizes", ("int32", "int64"))
    rest = x.shape[axis] - sum(n for n in said if n != -1)
    extents = [rest if n == -1 else n for n in said]
    if len(said) != len(op.outputs) or said.count(-1) > 1 or min(extents) < 1 or sum(extents) != x.shape[axis]:
        raise bad_layer(op, f"sizes {said} do not part {x.shape[axis]} slices into {len(op.outputs)} outputs")
    return axis, extents


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """The input's shape with a part of the axis, for each output."""
    x, (axis, extents) = graph.input(op, 0), parts(graph, op)
    return tuple((*x.shape[:axis], n, *x.shape[axis + 1 :]) for n in extents)


OPERATOR = Operator(
    kind="SPLIT_V",
    resolver="AddSplitV",
    limits="a constant axis and extents; above 10 parts in steps",
    shapes=shapes,
    inputs=(3, 3),
    kernels=(split_kernel(parts, 0),),
)
