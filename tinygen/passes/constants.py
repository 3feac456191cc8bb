"""Folds layers whose inputs are all constant, where numpy moves the same bytes to the same places.

Only moves are folded, never arithmetic. A constant that leaves the model stays a layer: its user reads it in the arena.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from ..graph.ir import Array, Graph, Op, Tensor, constant

#: The types that every kernel of a move takes: what is refused stays refused.
_DTYPES = ("int8", "int16")


def fold_constants(graph: Graph) -> Graph:
    """The graph with the results of constant layers as constants."""
    tensors = list(graph.tensors)
    kept = []
    for op in graph.ops:
        if op.kind not in _FOLDS or op.outputs[0] in graph.outputs or not _may_fold(tensors, op):
            kept.append(op)
            continue
        y = tensors[op.outputs[0]]
        values = np.ascontiguousarray(_FOLDS[op.kind](tensors, op)).reshape(y.shape)
        values.setflags(write=False)
        tensors[op.outputs[0]] = replace(y, data=values)
    return replace(graph, tensors=tuple(tensors), ops=tuple(kept))


def _may_fold(tensors: Sequence[Tensor], op: Op) -> bool:
    x, y = tensors[op.inputs[0]], tensors[op.outputs[0]]
    if any(tensors[i].data is None for i in op.inputs if i >= 0):
        return False
    return x.dtype in _DTYPES and x.dtype == y.dtype and x.quant == y.quant


def _reshape(tensors: Sequence[Tensor], op: Op) -> Array:
    return constant(tensors[op.inputs[0]])


def _transpose(tensors: Sequence[Tensor], op: Op) -> Array:
    order = [int(d) for d in constant(tensors[op.inputs[1]]).reshape(-1)]
    return np.transpose(constant(tensors[op.inputs[0]]), order)


_FOLDS: dict[str, Callable[[Sequence[Tensor], Op], Array]] = {
    "RESHAPE": _reshape,
    "SQUEEZE": _reshape,
    "EXPAND_DIMS": _reshape,
    "TRANSPOSE": _transpose,
}
