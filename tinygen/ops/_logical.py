"""Logical operators of two bool tensors, broadcast."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._add import shapes
from ._broadcast import LOOPS, loops
from .base import In, Kernel, LayerCode, Operator, Out


def logical(kind: str, resolver: str, function: str) -> Operator:
    """The operator that `function` computes."""

    def emit(graph: Graph, op: Op) -> LayerCode:
        return LayerCode(
            function=function,
            struct="tg_logical_params",
            params=loops(op, graph.input(op, 0).shape, graph.input(op, 1).shape),
            args=(In(0), In(1), Out()),
        )

    kernel = Kernel(kind.lower(), "logical.h", emit, dtypes=("bool",))
    limits = f"at most {LOOPS} loops over dimensions that broadcast alike"
    return Operator(kind=kind, resolver=resolver, shapes=shapes, inputs=(2, 2), kernels=(kernel,), limits=limits)
