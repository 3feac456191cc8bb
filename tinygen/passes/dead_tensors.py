"""Removes layers whose outputs nobody reads."""

from __future__ import annotations

from dataclasses import replace

from ..graph.ir import Graph


def remove_dead_layers(graph: Graph) -> Graph:
    """The graph without the layers from which no output of the model follows.

    A layer without outputs (a variable assigned, code that runs once) works by what it does, and stays.
    """
    needed = set(graph.outputs)
    kept = []
    for op in reversed(graph.ops):
        if not op.outputs or needed.intersection(op.outputs):
            kept.append(op)
            needed.update(i for i in op.inputs if i >= 0)
    return replace(graph, ops=tuple(reversed(kept)))
