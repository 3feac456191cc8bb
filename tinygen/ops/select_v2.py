"""SELECT_V2: values of one tensor where a condition holds, of another elsewhere, all three broadcast."""

from __future__ import annotations

from ..graph.ir import ITEM_BYTES, Graph, Op
from ._broadcast import broadcast_shape, loops
from .base import In, Kernel, LayerCode, Operator, Out, Shape, bad_layer


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """The broadcast shape."""
    condition, a, b = (graph.input(op, i) for i in range(3))
    if condition.dtype != "bool" or a.dtype != b.dtype:
        raise bad_layer(op, f"takes bool and two of one type, has {condition.dtype}, {a.dtype} and {b.dtype}")
    return (broadcast_shape(op, condition.shape, a.shape, b.shape),)


def emit(graph: Graph, op: Op) -> LayerCode:
    """The portable kernel; values move as they stand, whatever their scales."""
    operands = [graph.input(op, i) for i in range(3)]
    return LayerCode(
        function="tg_select",
        struct="tg_select_params",
        params=(*loops(op, *(t.shape for t in operands)), ("item", ITEM_BYTES[operands[1].dtype])),
        args=(In(0), In(1), In(2), Out()),
    )


OPERATOR = Operator(
    kind="SELECT_V2",
    resolver="AddSelectV2",
    limits="at most 4 loops over dimensions that broadcast alike",
    shapes=shapes,
    inputs=(3, 3),
    data_input=1,
    kernels=(Kernel("select", "select.h", emit, dtypes=("int8", "int16", "float32")),),
)
