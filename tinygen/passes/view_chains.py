"""Merges chains of RESHAPE, SQUEEZE and EXPAND_DIMS: the last one reads what the first one read."""

from __future__ import annotations

from dataclasses import replace

from ..graph.ir import Graph
from .rewrite import as_reshape, is_pure_view


def merge_view_chains(graph: Graph) -> Graph:
    """The graph with every view reading the tensor at the start of its chain; views that nobody reads then are dead.

    A chain ends at an output of the model: that one may have bytes of its own.
    """
    source: dict[int, int] = {}
    ops = []
    for op in graph.ops:
        if is_pure_view(graph, op):
            start = source.get(op.inputs[0])
            if start is not None:
                op = as_reshape(op, start)
            if op.outputs[0] not in graph.outputs:
                source[op.outputs[0]] = op.inputs[0]
        ops.append(op)
    return replace(graph, ops=tuple(ops))
