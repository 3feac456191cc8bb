"""SQUEEZE: the same bytes without dimensions of 1."""

from __future__ import annotations

from dataclasses import dataclass

from ..flatbuffer import Table
from ..graph.ir import Graph, Op
from ._view import COPY, is_view
from .base import Operator, Shape, bad_layer

MAX_DIMS = 8


@dataclass(frozen=True)
class Squeeze:
    """SqueezeOptions; no dimensions means all that are 1."""

    dims: tuple[int, ...]


def read(options: Table) -> Squeeze:
    """SqueezeOptions."""
    return Squeeze(options.ints(0, MAX_DIMS))


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """The input's shape without the dimensions named."""
    x = graph.input(op, 0)
    rank = len(x.shape)
    if any(not -rank <= d < rank or x.shape[d] != 1 for d in op.attrs.dims):
        raise bad_layer(op, f"dimensions {op.attrs.dims} of {x.shape} are not all 1")
    gone = {d % rank for d in op.attrs.dims} if op.attrs.dims else {i for i, n in enumerate(x.shape) if n == 1}
    return (tuple(n for i, n in enumerate(x.shape) if i not in gone),)


OPERATOR = Operator(kind="SQUEEZE", resolver="AddSqueeze", read=read, shapes=shapes, view=is_view, kernels=(COPY,))
