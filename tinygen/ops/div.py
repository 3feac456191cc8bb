"""DIV: the quotient of two tensors, broadcast; a division by zero saturates, where the reference stops."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._add import read, shapes
from ._mul import scaled_code
from .base import FUSED, Kernel, LayerCode, Operator, per_tensor


def emit(graph: Graph, op: Op) -> LayerCode:
    """The portable kernel; the ratio of the scales is formed in double."""
    a, b, y = (per_tensor(op, t)[0] for t in (graph.input(op, 0), graph.input(op, 1), graph.output(op)))
    return scaled_code(graph, op, "div", a / (b * y))


OPERATOR = Operator(
    kind="DIV",
    resolver="AddDiv",
    fused=FUSED,
    limits="at most 4 loops over dimensions that broadcast alike",
    read=read,
    shapes=shapes,
    inputs=(2, 2),
    kernels=(Kernel("div_s8", "div.h", emit),),
)
