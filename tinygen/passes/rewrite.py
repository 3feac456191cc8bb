"""What the passes have in common: which layers only change a shape, and the change of one tensor for another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..graph.ir import Graph, Op

#: Operators that change nothing but the shape.
VIEWS = frozenset({"RESHAPE", "SQUEEZE", "EXPAND_DIMS"})


def same_values(graph: Graph, a: int, b: int) -> bool:
    """Whether equal bytes mean equal numbers in both tensors."""
    x, y = graph.tensors[a], graph.tensors[b]
    return x.dtype == y.dtype and x.quant == y.quant


def is_pure_view(graph: Graph, op: Op) -> bool:
    """Whether the layer only gives its input's bytes another shape, and the input is no constant."""
    x = graph.tensors[op.inputs[0]] if op.kind in VIEWS else None
    return x is not None and x.data is None and same_values(graph, op.inputs[0], op.outputs[0])


def as_reshape(op: Op, source: int) -> Op:
    """The layer as a RESHAPE of the tensor `source`."""
    return replace(op, kind="RESHAPE", inputs=(source,), attrs=None)


def renamed(op: Op, instead: Mapping[int, int]) -> Op:
    """The layer with other tensors where it reads or writes those named."""
    if instead.keys().isdisjoint((*op.inputs, *op.outputs)):
        return op
    inputs, outputs = (tuple(instead.get(i, i) for i in indices) for indices in (op.inputs, op.outputs))
    return replace(op, inputs=inputs, outputs=outputs)
