"""TRANSPOSE: the dimensions in another order, of any type."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._move import constant_ints, contiguous, move_fields
from .base import In, Kernel, LayerCode, Operator, Out, Shape, bad_layer


def _order(graph: Graph, op: Op) -> list[int]:
    x = graph.input(op, 0)
    order = constant_ints(graph, op, 1, "permutations")
    if sorted(order) != list(range(len(x.shape))) or len(graph.input(op, 1).shape) != 1:
        raise bad_layer(op, f"{order} is not an order of its input's {len(x.shape)} dimensions")
    return order


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """The input's extents in the new order."""
    x = graph.input(op, 0)
    return (tuple(x.shape[d] for d in _order(graph, op)),)


def emit(graph: Graph, op: Op) -> LayerCode:
    """The output in order, the input by strides."""
    x, y = graph.input(op, 0), graph.output(op)
    strides = contiguous(x.shape)
    moved = tuple(strides[d] for d in _order(graph, op))
    return LayerCode(
        function="tg_move",
        struct="tg_move_params",
        params=move_fields(op, x.dtype, y.shape, moved, contiguous(y.shape)),
        args=(In(), Out()),
    )


OPERATOR = Operator(
    kind="TRANSPOSE",
    resolver="AddTranspose",
    limits="a constant order, at most 6 loops",
    shapes=shapes,
    inputs=(2, 2),
    kernels=(Kernel("move", "move.h", emit, dtypes=("int8", "int16", "float32")),),
)
