"""Lifetimes: from the layers to the buffers that they write, and the steps at which each is alive."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate

from ..graph.ir import Graph
from ..graph.plan import Buffer
from ..ops.lowering import Layer

ALIGNMENT = 4


def buffers_of(graph: Graph, layers: tuple[Layer, ...], *, keep_input: bool = False) -> tuple[Buffer, ...]:
    """Every buffer of the arena with its lifetime, not yet placed; variables have memory of their own.

    A view shares its input's buffer. Inputs are alive from before the first layer to their last reader (to the end with
    `keep_input`), outputs to after the last layer. Constants lie in flash and have no buffer.
    """
    root = {t: t for t in range(len(graph.tensors))}
    for layer in layers:
        if layer.is_view:
            root[layer.op.outputs[0]] = root[layer.op.inputs[0]]
    end = len(layers)
    elsewhere = graph.in_state
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for tensor in graph.inputs:
        first[tensor] = -1
        last[tensor] = end if keep_input else -1
    for layer in layers:
        for tensor in _variables(graph, layer.op.inputs):
            if tensor not in elsewhere:
                last[root[tensor]] = max(last[root[tensor]], layer.index)
        for tensor in layer.op.outputs:
            if tensor in elsewhere:
                continue
            first.setdefault(root[tensor], layer.index)
            last[root[tensor]] = max(last.get(root[tensor], -1), layer.index)
    for tensor in graph.outputs:
        last[root[tensor]] = end
    sharing: dict[int, list[int]] = {}
    for tensor, owner in root.items():
        if owner in first:
            sharing.setdefault(owner, []).append(tensor)
    tensors = [
        Buffer(
            "tensor", graph.tensors[owner].nbytes, first[owner], last[owner], tuple(sharing[owner]), alignment=ALIGNMENT
        )
        for owner in sorted(first)
    ]
    scratch = [
        Buffer("scratch", layer.scratch_bytes, layer.index, layer.index, layer=layer.index, alignment=ALIGNMENT)
        for layer in layers
        if layer.scratch_bytes
    ]
    return tuple(tensors + scratch)


def _variables(graph: Graph, tensors: Iterable[int]) -> list[int]:
    return [t for t in tensors if t >= 0 and graph.tensors[t].data is None]


def live_bytes(buffers: Iterable[Buffer], steps: int) -> list[int]:
    """Bytes alive at each step, from step -1 to step `steps`."""
    changes = [0] * (steps + 3)
    for buffer in buffers:
        changes[buffer.first_use + 1] += buffer.nbytes
        changes[buffer.last_use + 2] -= buffer.nbytes
    return list(accumulate(changes[:-1]))
