"""REVERSE_V2: one dimension, or several that lie side by side, backwards; a Bidirectional layer has two."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._move import TYPES, constant_ints, contiguous, move_fields
from ._ways_out import FEWER
from .base import In, Kernel, LayerCode, Operator, Out, Shape, bad_layer, unsupported

MAX_RANK = 6


def _axes(graph: Graph, op: Op) -> list[int]:
    """The axes counted from the front, in order."""
    x = graph.input(op, 0)
    rank = len(x.shape)
    if not 1 <= rank <= MAX_RANK:
        raise unsupported(op, f"reversing {rank} dimensions, not 1 to {MAX_RANK}, is not supported", FEWER)
    given = constant_ints(graph, op, 1, "axes")
    if not given or len(graph.input(op, 1).shape) != 1 or any(not -rank <= a < rank for a in given):
        raise bad_layer(op, f"axes {given} are not all of its input's {rank} dimensions")
    axes = sorted(a % rank for a in given)
    if axes != list(range(axes[0], axes[0] + len(axes))):
        apart = f"reversing the axes {axes}, which do not lie side by side, is not supported"
        raise unsupported(op, apart, "Reverse one after the other.")
    return axes


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """The input's."""
    _axes(graph, op)
    return (graph.input(op, 0).shape,)


def emit(graph: Graph, op: Op) -> LayerCode:
    """The output in order, the input from the far end of each reversed dimension."""
    x, axes = graph.input(op, 0), _axes(graph, op)
    strides = contiguous(x.shape)
    start = sum((x.shape[a] - 1) * strides[a] for a in axes)
    moved = tuple(-stride if i in axes else stride for i, stride in enumerate(strides))
    return LayerCode(
        function="tg_move",
        struct="tg_move_params",
        params=move_fields(op, x.dtype, x.shape, moved, strides, x_start=start),
        args=(In(), Out()),
    )


OPERATOR = Operator(
    kind="REVERSE_V2",
    resolver="AddReverseV2",
    limits="1 to 6 dimensions; constant axes that lie side by side",
    shapes=shapes,
    inputs=(2, 2),
    kernels=(Kernel("move", "move.h", emit, dtypes=TYPES),),
)
