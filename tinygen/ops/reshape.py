"""RESHAPE: the same bytes under another shape."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._move import constant_ints
from ._view import COPY, is_view
from .base import Operator, Shape, bad_layer


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """The declared shape, which must hold as many elements; a shape tensor that is constant must agree."""
    x, y = graph.input(op, 0), graph.output(op)
    if x.size != y.size:
        raise bad_layer(op, f"{x.shape} does not reshape to {y.shape}")
    wanted = graph.optional(op, 1)
    if wanted is not None and wanted.data is not None:
        target = constant_ints(graph, op, 1, "shapes", ("int32", "int64"))
        agrees = len(target) == len(y.shape) and all(t in (-1, n) for t, n in zip(target, y.shape))
        if not agrees:
            raise bad_layer(op, f"its shape tensor says {target}, its output {y.shape}")
    return (y.shape,)


OPERATOR = Operator(kind="RESHAPE", resolver="AddReshape", shapes=shapes, inputs=(1, 2), view=is_view, kernels=(COPY,))
