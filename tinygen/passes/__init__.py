"""Rewrites of the graph that keep the bits, one a file, in the order of PASSES."""

from __future__ import annotations

from collections.abc import Callable

from ..graph.ir import Graph
from .constants import fold_constants
from .dead_tensors import remove_dead_layers
from .float_islands import fold_float_islands
from .identities import drop_identities
from .padding import fold_padding
from .shape_inputs import forget_shape_inputs
from .states import use_states_in_place
from .transposes import reshape_still_transposes
from .view_chains import merge_view_chains
from .wide_parts import part_in_steps

#: The passes in the order in which they run.
PASSES: tuple[Callable[[Graph], Graph], ...] = (
    forget_shape_inputs,
    fold_constants,
    fold_float_islands,
    part_in_steps,
    reshape_still_transposes,
    merge_view_chains,
    remove_dead_layers,
    drop_identities,
    fold_padding,
    use_states_in_place,
)


def optimize(graph: Graph) -> Graph:
    """The graph after every pass."""
    for rewrite in PASSES:
        graph = rewrite(graph)
    return graph
