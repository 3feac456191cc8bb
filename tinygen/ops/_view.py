"""Operators that only rename the shape: their output is the input's bytes, so they cost nothing."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from .base import In, Kernel, LayerCode, Out, bad_layer


def is_view(graph: Graph, op: Op) -> bool:
    """Whether the planner may let the output share the input's memory: neither is a constant."""
    return graph.input(op, 0).data is None


def emit_copy(graph: Graph, op: Op) -> LayerCode:
    """A copy, for the case that the bytes must stand twice (a constant input, an input that is an output too)."""
    x, y = graph.input(op, 0), graph.output(op)
    if x.dtype != y.dtype or x.quant != y.quant:
        raise bad_layer(op, "its input and output differ in type, scale or zero point")
    return LayerCode("tg_copy", args=(In(), Out(), y.nbytes))


COPY = Kernel("copy", "copy.h", emit_copy, dtypes=("int8", "uint8", "int16", "int32", "float32", "bool"))
