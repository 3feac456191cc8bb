"""ASSIGN_VARIABLE: gives a variable another value; computed in place where nothing reads the old one after that."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._variable import COPY
from .base import Operator, Shape, bad_layer


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """The variable's, of which the value must have as many elements."""
    x, y = graph.input(op, 0), graph.output(op)
    if x.size != y.size or op.outputs[0] not in graph.in_state:
        raise bad_layer(op, f"assigns {x.shape} to {y.name!r} {y.shape}")
    return (y.shape,)


OPERATOR = Operator(kind="ASSIGN_VARIABLE", resolver="AddAssignVariable", shapes=shapes, kernels=(COPY,))
