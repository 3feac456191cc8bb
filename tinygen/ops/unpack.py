"""UNPACK: the slices of a tensor along an axis, which goes."""

from __future__ import annotations

from dataclasses import dataclass

from ..flatbuffer import Table
from ..graph.ir import Graph, Op
from ._split import axis_of, split_kernel
from .base import Operator, Shape, bad_layer


@dataclass(frozen=True)
class Unpack:
    """UnpackOptions."""

    num: int
    axis: int


def read(options: Table) -> Unpack:
    """UnpackOptions."""
    return Unpack(options.int32(0), options.int32(1))


def parts(graph: Graph, op: Op) -> tuple[int, list[int]]:
    """(axis, 1 for each output)."""
    x, count = graph.input(op, 0), len(op.outputs)
    axis = axis_of(op, op.attrs.axis, len(x.shape))
    if not op.attrs.num == count == x.shape[axis]:
        raise bad_layer(op, f"{x.shape[axis]} slices, {op.attrs.num} to unpack, {count} outputs")
    return axis, [1] * count


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """The input's shape without the axis, for each output."""
    x, (axis, extents) = graph.input(op, 0), parts(graph, op)
    return ((*x.shape[:axis], *x.shape[axis + 1 :]),) * len(extents)


OPERATOR = Operator(
    kind="UNPACK",
    resolver="AddUnpack",
    limits="above 10 parts in steps",
    read=read,
    shapes=shapes,
    kernels=(split_kernel(parts, 0),),
)
