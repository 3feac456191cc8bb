"""Turns transpositions that move no byte, because only dimensions of 1 change places, into RESHAPE."""

from __future__ import annotations

from dataclasses import replace

from ..graph.ir import Graph, Op, constant
from .rewrite import as_reshape, same_values

#: The types that the kernel of TRANSPOSE takes: what is refused stays refused.
_DTYPES = ("int8", "int16", "float32")


def reshape_still_transposes(graph: Graph) -> Graph:
    """The graph with a RESHAPE, which costs nothing, for every TRANSPOSE that keeps the order of the bytes."""
    ops = tuple(as_reshape(op, op.inputs[0]) if _keeps_order(graph, op) else op for op in graph.ops)
    return replace(graph, ops=ops)


def _keeps_order(graph: Graph, op: Op) -> bool:
    if op.kind != "TRANSPOSE" or not same_values(graph, op.inputs[0], op.outputs[0]):
        return False
    x = graph.input(op, 0)
    if x.data is not None or x.dtype not in _DTYPES:
        return False
    order = [int(d) for d in constant(graph.input(op, 1)).reshape(-1)]
    moved = [d for d in order if x.shape[d] != 1]
    return moved == sorted(moved)
