"""BATCH_TO_SPACE_ND: images put together out of the batch, [N, H, W, C] or [N, H, C], and cropped."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._blocks import TYPES, blocks, blocks_code, image
from .base import Kernel, LayerCode, Operator, Shape, bad_layer


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """[N / blocks, H · block - crops, …, C]."""
    x, given = graph.input(op, 0), blocks(graph, op)
    count = given.block[0] * given.block[1]
    sizes = [n * block - a - b for n, block, a, b in zip(image(x.shape)[1:3], given.block, given.before, given.after)]
    if x.shape[0] % count or min(sizes) < 1:
        raise bad_layer(op, f"an input {x.shape} does not give images in blocks {given.block}, {sizes} after cropping")
    return ((x.shape[0] // count, *sizes[: len(x.shape) - 2], x.shape[-1]),)


def emit(graph: Graph, op: Op) -> LayerCode:
    """Nothing is rescaled."""
    return blocks_code(graph, op, "tg_batch_to_space_nd", graph.output(op).shape, graph.input(op, 0).shape)


OPERATOR = Operator(
    kind="BATCH_TO_SPACE_ND",
    resolver="AddBatchToSpaceNd",
    limits="3 or 4 dimensions; constant blocks and crops",
    shapes=shapes,
    inputs=(3, 3),
    kernels=(Kernel("batch_to_space_nd", "batch_to_space_nd.h", emit, dtypes=TYPES),),
)
