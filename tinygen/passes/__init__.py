"""Rewrites of the graph that keep the bits, one a file, in the order of PASSES."""

from __future__ import annotations

from collections.abc import Callable

from ..graph.ir import Graph
from .dead_tensors import remove_dead_layers

#: The passes in the order in which they run.
PASSES: tuple[Callable[[Graph], Graph], ...] = (remove_dead_layers,)


def optimize(graph: Graph) -> Graph:
    """The graph after every pass."""
    for rewrite in PASSES:
        graph = rewrite(graph)
    return graph
