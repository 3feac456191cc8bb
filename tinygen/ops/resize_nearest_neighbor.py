"""RESIZE_NEAREST_NEIGHBOR: an image's pixels repeated or left out, of any type."""

from __future__ import annotations

import math

import numpy as np

from ..flatbuffer import Table
from ..graph.ir import ITEM_BYTES, Array, Graph, Op
from ._move import contiguous, move_fields
from ._resize import Resize, shapes
from .base import Const, Constant, In, Kernel, LayerCode, Operator, Out, unsupported

TYPES = ("int8", "int16", "float32")
MAX_INDEX = 32767


def read(options: Table) -> Resize:
    """ResizeNearestNeighborOptions."""
    return Resize(options.bool(0), options.bool(1))


def nearest(resize: Resize, size: int, out: int) -> Array:
    """Which of `size` pixels each of `out` takes: TFLM's GetNearestNeighbor, step by step in float32."""
    corners = resize.align_corners and out > 1
    scale = np.float32(size - 1 if corners else size) / np.float32(out - 1 if corners else out)
    offset = np.float32(0.5 if resize.half_pixel_centers else 0.0)
    place = (np.arange(out, dtype=np.float32) + offset) * scale
    whole = np.trunc(place)
    if resize.align_corners:
        whole += place - whole >= np.float32(0.5)
    return np.asarray(np.minimum(whole.astype(np.int64), size - 1))


def _indices(graph: Graph, op: Op) -> tuple[Array, Array]:
    x, y = graph.input(op, 0), graph.output(op)
    return nearest(op.attrs, x.shape[1], y.shape[1]), nearest(op.attrs, x.shape[2], y.shape[2])


def repeats(graph: Graph, op: Op) -> bool:
    """Whether every pixel is repeated the same whole number of times: UpSampling2D."""
    x = graph.input(op, 0)
    for size, index in zip(x.shape[1:3], _indices(graph, op)):
        if len(index) % size or not np.array_equal(index, np.arange(len(index)) // (len(index) // size)):
            return False
    return True


def emit_repeats(graph: Graph, op: Op) -> LayerCode:
    """The output in order, the input by strides of which those of the repetitions are 0."""
    x, y = graph.input(op, 0), graph.output(op)
    batches, height, width, channels = x.shape
    size = (batches, height, y.shape[1] // height, width, y.shape[2] // width, channels)
    rows, columns, values = width * channels, channels, 1
    return LayerCode(
        function="tg_move",
        struct="tg_move_params",
        params=move_fields(op, x.dtype, size, (height * rows, rows, 0, columns, 0, values), contiguous(size)),
        args=(In(), Out()),
    )


def emit(graph: Graph, op: Op) -> LayerCode:
    """Which row and which column to take come from tables: the reference finds them in float."""
    x, y = graph.input(op, 0), graph.output(op)
    if max(x.shape[1:3]) > MAX_INDEX:
        raise unsupported(op, f"an image of {x.shape[1]} by {x.shape[2]}, more than {MAX_INDEX}, is not supported")
    rows, columns = _indices(graph, op)
    return LayerCode(
        function="tg_resize_nearest_neighbor",
        struct="tg_resize_nearest_neighbor_params",
        params=(
            ("batches", x.shape[0]),
            ("out_h", y.shape[1]),
            ("out_w", y.shape[2]),
            ("pixel_bytes", x.shape[3] * ITEM_BYTES[x.dtype]),
            ("row_bytes", math.prod(x.shape[2:]) * ITEM_BYTES[x.dtype]),
            ("image_bytes", math.prod(x.shape[1:]) * ITEM_BYTES[x.dtype]),
        ),
        constants=(
            Constant("rows", "int16_t", rows.astype(np.int16), table=True),
            Constant("columns", "int16_t", columns.astype(np.int16), table=True),
        ),
        args=(In(), Const("rows"), Const("columns"), Out()),
    )


OPERATOR = Operator(
    kind="RESIZE_NEAREST_NEIGHBOR",
    resolver="AddResizeNearestNeighbor",
    limits="4 dimensions, a constant size, up to 32767 pixels a side",
    read=read,
    shapes=shapes,
    inputs=(2, 2),
    kernels=(
        Kernel("move", "move.h", emit_repeats, dtypes=TYPES, supports=repeats),
        Kernel("resize_nearest_neighbor", "resize_nearest_neighbor.h", emit, dtypes=TYPES),
    ),
)
