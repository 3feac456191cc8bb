"""Operators that TFLM has in float32 alone: read from a file so that a pass may make tables of them, never run."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from . import _add, _lut
from .base import Operator, Shape, bad_layer


def _unary(graph: Graph, op: Op) -> tuple[Shape, ...]:
    if graph.input(op, 0).dtype != graph.output(op).dtype:
        raise bad_layer(op, f"{graph.input(op, 0).dtype} in, {graph.output(op).dtype} out")
    return _lut.shapes(graph, op)


def float_only(kind: str, resolver: str, operands: int = 1) -> Operator:
    """The operator with no kernel: passes/float_islands.py folds it, or it is refused."""
    shapes = _unary if operands == 1 else _add.shapes
    limits = "a function of one int8 tensor between DEQUANTIZE and QUANTIZE, defined on all of it"
    return Operator(kind=kind, resolver=resolver, shapes=shapes, inputs=(operands, operands), limits=limits)
