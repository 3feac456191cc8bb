"""Images dealt out to smaller ones in the batch: what SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND share."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..graph.ir import ITEM_BYTES, Graph, Op
from ._move import constant_ints
from ._window import MAX_REACH
from .base import In, LayerCode, Out, Shape, bad_layer, unsupported

TYPES = ("int8", "float32")


@dataclass(frozen=True)
class Blocks:
    """Extents of a block, and the paddings (or crops) before and after, of height and width (1 where there is none)."""

    block: tuple[int, int]
    before: tuple[int, int]
    after: tuple[int, int]


def blocks(graph: Graph, op: Op) -> Blocks:
    """What the parameters say, of an input [N, H, W, C] or [N, H, C]."""
    x = graph.input(op, 0)
    if len(x.shape) not in (3, 4):
        raise unsupported(
            op,
            f"an input of {len(x.shape)} dimensions, not 3 or 4, is not supported",
            "Reshape to 3 or 4 dimensions before it.",
        )
    spatial = len(x.shape) - 2
    block, margins = constant_ints(graph, op, 1, "block shapes"), constant_ints(graph, op, 2, "margins")
    shapes = graph.input(op, 1).shape, graph.input(op, 2).shape
    if shapes != ((spatial,), (spatial, 2)) or min(block) < 1 or min(margins) < 0 or max(*block, *margins) > MAX_REACH:
        raise bad_layer(op, f"blocks {block} and margins {margins} for an input {x.shape}")
    spare = (1,) * (2 - spatial)
    none = (0,) * (2 - spatial)
    height, width = (*block, *spare)
    top, left = (*margins[::2], *none)
    bottom, right = (*margins[1::2], *none)
    return Blocks((height, width), (top, left), (bottom, right))


def image(shape: Shape) -> tuple[int, int, int, int]:
    """(N, H, W, C) of [N, H, W, C] or [N, H, C]."""
    height, width = (*shape[1:-1], 1)[:2]
    return shape[0], height, width, shape[-1]


def blocks_code(graph: Graph, op: Op, function: str, whole: Shape, parts: Shape, value: int = 0) -> LayerCode:
    """The call; `whole` and `parts` are the shapes of the images and of those that they are dealt out to.

    `value` is what every byte of a padding holds.
    """
    given, dtype = blocks(graph, op), graph.output(op).dtype
    batches, image_h, image_w, channels = image(whole)
    _, part_h, part_w, _ = image(parts)
    if math.prod(parts) * ITEM_BYTES[dtype] >= 1 << 28:
        raise bad_layer(op, f"its {parts} are too large")
    return LayerCode(
        function=function,
        struct="tg_blocks_params",
        params=(
            ("batches", batches),
            ("image_h", image_h),
            ("image_w", image_w),
            ("part_h", part_h),
            ("part_w", part_w),
            ("block_h", given.block[0]),
            ("block_w", given.block[1]),
            ("top", given.before[0]),
            ("left", given.before[1]),
            ("pixel_bytes", channels * ITEM_BYTES[dtype]),
            ("value", value),
        ),
        args=(In(), Out()),
    )
