"""SLICE: a box out of a tensor, its begin and size constant."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._move import constant_ints, contiguous, move_fields
from ._ways_out import FEWER
from .base import In, Kernel, LayerCode, Operator, Out, Shape, bad_layer, unsupported

MAX_RANK = 5


def _box(graph: Graph, op: Op) -> list[tuple[int, int]]:
    """(begin, size) along each dimension; a size of -1 reaches to the end."""
    x = graph.input(op, 0)
    if not 1 <= len(x.shape) <= MAX_RANK:
        raise unsupported(op, f"slicing {len(x.shape)} dimensions, not 1 to {MAX_RANK}, is not supported", FEWER)
    begins, sizes = (constant_ints(graph, op, i, what, ("int32", "int64")) for i, what in ((1, "begins"), (2, "sizes")))
    same = graph.input(op, 1).shape == graph.input(op, 2).shape == (len(x.shape),)
    if not same or graph.input(op, 1).dtype != graph.input(op, 2).dtype:
        raise bad_layer(op, f"begins {begins} and sizes {sizes} for an input {x.shape}")
    box = [(begin, n - begin if size == -1 else size) for n, begin, size in zip(x.shape, begins, sizes)]
    if any(begin < 0 or size < 1 or begin + size > n for n, (begin, size) in zip(x.shape, box)):
        raise bad_layer(op, f"begins {begins} and sizes {sizes} reach beyond its input {x.shape}")
    return box


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """The box's extents."""
    return (tuple(size for _, size in _box(graph, op)),)


def emit(graph: Graph, op: Op) -> LayerCode:
    """The output in order, the input by its strides from the first corner on."""
    x, y = graph.input(op, 0), graph.output(op)
    strides = contiguous(x.shape)
    start = sum(begin * stride for (begin, _), stride in zip(_box(graph, op), strides))
    return LayerCode(
        function="tg_move",
        struct="tg_move_params",
        params=move_fields(op, x.dtype, y.shape, strides, contiguous(y.shape), x_start=start),
        args=(In(), Out()),
    )


OPERATOR = Operator(
    kind="SLICE",
    resolver="AddSlice",
    limits="1 to 5 dimensions; constant begin and size",
    shapes=shapes,
    inputs=(3, 3),
    kernels=(Kernel("move", "move.h", emit, dtypes=("int8", "int16", "int32", "float32", "bool")),),
)
