"""BROADCAST_TO: a tensor repeated along dimensions of 1 until it has a constant shape, of any type."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._move import TYPES, constant_ints, contiguous, move_fields
from ._ways_out import FEWER
from .base import In, Kernel, LayerCode, Operator, Out, Shape, bad_layer, unsupported

MAX_RANK = 5


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """The shape that input 1 holds."""
    x = graph.input(op, 0)
    shape = constant_ints(graph, op, 1, "shapes", ("int32", "int64"))
    if len(shape) > MAX_RANK:
        raise unsupported(op, f"broadcasting to {len(shape)} dimensions, more than {MAX_RANK}, is not supported", FEWER)
    added = len(shape) - len(x.shape)
    fits = added >= 0 and all(n in (1, m) for n, m in zip(x.shape, shape[added:]))
    if len(graph.input(op, 1).shape) != 1 or not fits or min(shape) < 1:
        raise bad_layer(op, f"{x.shape} cannot be broadcast to {shape}")
    return (tuple(shape),)


def emit(graph: Graph, op: Op) -> LayerCode:
    """The output in order; the input stands still along the dimensions in which it is repeated."""
    x, y = graph.input(op, 0), graph.output(op)
    extents = (1,) * (len(y.shape) - len(x.shape)) + x.shape
    moved = tuple(0 if n == 1 else stride for n, stride in zip(extents, contiguous(extents)))
    return LayerCode(
        function="tg_move",
        struct="tg_move_params",
        params=move_fields(op, x.dtype, y.shape, moved, contiguous(y.shape)),
        args=(In(), Out()),
    )


OPERATOR = Operator(
    kind="BROADCAST_TO",
    resolver="AddBroadcastTo",
    limits="up to 5 dimensions; a constant shape",
    shapes=shapes,
    inputs=(2, 2),
    kernels=(Kernel("move", "move.h", emit, dtypes=TYPES),),
)
