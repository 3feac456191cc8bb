"""SPLIT: a tensor in equal parts along a constant axis."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._split import constant_axis, split_kernel
from .base import Operator, Shape, bad_layer


def parts(graph: Graph, op: Op) -> tuple[int, list[int]]:
    """(axis, the extent of each output along it); how many there are is the number of outputs."""
    x, count = graph.input(op, 1), len(op.outputs)
    axis = constant_axis(graph, op, 0, x)
    if x.shape[axis] % count:
        raise bad_layer(op, f"{x.shape[axis]} slices do not part into {count} outputs")
    return axis, [x.shape[axis] // count] * count


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """The input's shape with a part of the axis, for each output."""
    x, (axis, extents) = graph.input(op, 1), parts(graph, op)
    return tuple((*x.shape[:axis], n, *x.shape[axis + 1 :]) for n in extents)


OPERATOR = Operator(
    kind="SPLIT",
    resolver="AddSplit",
    limits="a constant axis; above 10 parts in steps",
    shapes=shapes,
    inputs=(2, 2),
    data_input=1,
    kernels=(split_kernel(parts, 1),),
)
