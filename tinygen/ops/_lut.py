"""Functions of one 8-bit value: a table of 256 bytes, made here in the reference's own arithmetic."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..graph.ir import Graph, Op
from .base import Const, Constant, In, LayerCode, Out, Shape, bad_layer


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """The input's."""
    return (graph.input(op, 0).shape,)


def lut_code(graph: Graph, op: Op, function: Callable[[int], int]) -> LayerCode:
    """The call for y = function(x), x a quantized value of the input's type; in the order of x's bit patterns."""
    x, y = graph.input(op, 0), graph.output(op)
    if x.size != y.size:
        raise bad_layer(op, f"its input {x.shape} and output {y.shape} differ in size")
    values = (pattern - 256 if x.dtype == "int8" and pattern > 127 else pattern for pattern in range(256))
    table = np.array([function(value) & 0xFF for value in values], np.uint8)
    return LayerCode(
        function="tg_lut_s8",
        constants=(Constant("table", "uint8_t", table, table=True),),
        args=(In(), Const("table"), Out(), x.size),
    )
