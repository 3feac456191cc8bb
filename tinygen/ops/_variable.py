"""Variables read and assigned: the same bytes from one place to another, whatever their scales say."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from .base import In, Kernel, LayerCode, Out


def emit_copy(graph: Graph, op: Op) -> LayerCode:
    """A copy; passes/states.py takes away those that are not needed."""
    return LayerCode("tg_copy", args=(In(), Out(), graph.output(op).nbytes))


COPY = Kernel("copy", "copy.h", emit_copy, dtypes=("int8", "uint8", "int16", "int32", "int64", "float32", "bool"))
