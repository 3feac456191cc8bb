"""Removes layers whose outputs nobody reads."""

from __future__ import annotations

from dataclasses import replace

from ..graph.ir import Graph, Op
from ..ops import operators


def remove_dead_layers(graph: Graph) -> Graph:
    """The graph without the layers from which no output of the model and no variable follows.

    A layer's own memory is no reason to keep it; one that other layers read too is.
    """
    needed = set(graph.outputs) | graph.in_state.keys()
    kept = []
    for op in reversed(graph.ops):
        if needed.intersection(op.outputs) or _changes_for_others(graph, op):
            kept.append(op)
            needed.update(i for i in op.inputs if i >= 0)
    return replace(graph, ops=tuple(reversed(kept)))


def _changes_for_others(graph: Graph, op: Op) -> bool:
    updated = {op.inputs[i] for i in operators()[op.kind].updates}
    return bool(updated) and any(updated.intersection(other.inputs) for other in graph.ops if other is not op)
