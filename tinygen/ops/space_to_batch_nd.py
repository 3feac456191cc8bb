"""SPACE_TO_BATCH_ND: images dealt out to the batch, [N, H, W, C] or [N, H, C]; paddings as TensorFlow Lite has them.

TFLM's kernel takes the value of its paddings from memory that nobody has written. They are the zero point here, as in
TensorFlow Lite; what a dilated convolution crops again is the same in all three.
"""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._blocks import TYPES, blocks, blocks_code, image
from .base import Kernel, LayerCode, Operator, Shape, bad_layer, per_tensor


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """[N · blocks, (H + paddings) / block, …, C]."""
    x, given = graph.input(op, 0), blocks(graph, op)
    padded = [n + a + b for n, a, b in zip(image(x.shape)[1:3], given.before, given.after)]
    if any(n % block for n, block in zip(padded, given.block)):
        raise bad_layer(op, f"{padded} padded pixels are no multiple of its blocks {given.block}")
    parts = [n // block for n, block in zip(padded, given.block)][: len(x.shape) - 2]
    return ((x.shape[0] * given.block[0] * given.block[1], *parts, x.shape[-1]),)


def emit(graph: Graph, op: Op) -> LayerCode:
    """Nothing is rescaled; a float's zero is the same byte four times."""
    x, y = graph.input(op, 0), graph.output(op)
    value = per_tensor(op, y)[1] if y.dtype == "int8" else 0
    return blocks_code(graph, op, "tg_space_to_batch_nd", x.shape, y.shape, value)


OPERATOR = Operator(
    kind="SPACE_TO_BATCH_ND",
    resolver="AddSpaceToBatchNd",
    oracle="TFLM; for paddings, which it leaves undefined, LiteRT's reference kernel",
    limits="3 or 4 dimensions; constant blocks and paddings",
    shapes=shapes,
    inputs=(3, 3),
    kernels=(Kernel("space_to_batch_nd", "space_to_batch_nd.h", emit, dtypes=TYPES),),
)
