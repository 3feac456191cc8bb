"""READ_VARIABLE: what a variable holds; read in place where nothing is assigned to it before the last reader."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._variable import COPY
from .base import Operator, Shape, bad_layer


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """The declared shape, which must hold as many elements as the variable."""
    x, y = graph.input(op, 0), graph.output(op)
    if x.size != y.size or op.inputs[0] not in graph.in_state:
        raise bad_layer(op, f"reads {x.name!r} {x.shape} into {y.shape}")
    return (y.shape,)


OPERATOR = Operator(kind="READ_VARIABLE", resolver="AddReadVariable", shapes=shapes, kernels=(COPY,))
