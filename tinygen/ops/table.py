"""TABLE: a float island folded into 256 bytes. No file has this operator; passes/float_islands.py makes it."""

from __future__ import annotations

from dataclasses import dataclass

from ..graph.ir import Graph, Op
from ._lut import lut_code, shapes
from .base import Kernel, LayerCode, Operator


@dataclass(frozen=True)
class Table:
    """The island's value for each int8, from -128 up."""

    values: tuple[int, ...]


def emit(graph: Graph, op: Op) -> LayerCode:
    """The portable kernel."""
    return lut_code(graph, op, lambda q: int(op.attrs.values[q + 128]))


OPERATOR = Operator(kind="TABLE", resolver="", shapes=shapes, kernels=(Kernel("lut_s8", "lut.h", emit),))
