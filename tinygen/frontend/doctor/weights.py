"""Channels that carry nothing: all weights zero, or so small that no int8 step is left of them."""

from __future__ import annotations

import numpy as np

from ...finding import Finding
from ...graph.ir import Graph, Op, constant

#: The axis of the output channels in the weights (OHWI, or 1HWC of depthwise ones).
_AXES = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0, "TRANSPOSE_CONV": 0}
#: A channel whose scale is below this share of its layer's largest has been worn away by training or pruning.
_FLOOR = 1e-6


def dead_channels(graph: Graph) -> list[Finding]:
    """A finding a layer that has such channels; a layer of nothing else is a zero-width range."""
    found = []
    for op in graph.ops:
        if op.kind not in _AXES or (counts := _dead(graph, op)) is None or not counts[0]:
            continue
        dead, channels = counts
        if dead == channels:
            found.append(
                Finding(
                    "zero-range", "warning", op.name, 0.0, "weights",
                    f"all of its {channels} channels have only zero weights, its output is constant.",
                    "Less sparsity for it, or leave the layer out.",
                )
            )  # fmt: skip
            continue
        found.append(
            Finding(
                "dead-channels", "note", op.name, float(dead), "channels",
                f"{dead} of {channels} channels have weights of zero or next to it, stored and computed for nothing.",
                "Structured pruning takes them out; or a narrower layer.",
            )
        )  # fmt: skip
    return found


def _dead(graph: Graph, op: Op) -> tuple[int, int] | None:
    """(dead channels, channels) of a layer; None where its weights are no constant."""
    weights = graph.optional(op, 1)
    if weights is None or weights.data is None or len(weights.shape) <= _AXES[op.kind]:
        return None
    values = np.moveaxis(constant(weights), _AXES[op.kind], 0)
    values = values.reshape(len(values), -1)
    dead = ~(values != 0).any(axis=1)
    if weights.quant is not None and len(weights.quant.scales) == len(values) and not dead.all():
        scales = np.asarray(weights.quant.scales)
        dead |= scales < _FLOOR * float(scales[~dead].max())
    return int(dead.sum()), len(dead)
