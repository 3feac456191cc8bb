"""Removes layers whose outputs nobody reads."""

from __future__ import annotations

from dataclasses import replace

from ..graph.ir import Graph


def remove_dead_layers(graph: Graph) -> Graph:
    """The graph without the layers from which no output of the model and no variable follows."""
    needed = set(graph.outputs) | graph.in_state.keys()
    kept = []
    for op in reversed(graph.ops):
        if needed.intersection(op.outputs):
            kept.append(op)
            needed.update(i for i in op.inputs if i >= 0)
    return replace(graph, ops=tuple(reversed(kept)))
