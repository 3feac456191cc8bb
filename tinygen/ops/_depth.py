"""Blocks of pixels as channels: what SPACE_TO_DEPTH and DEPTH_TO_SPACE share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..flatbuffer import Table
from ..graph.ir import Graph, Op
from ._move import contiguous, move_fields
from .base import In, Kernel, LayerCode, Out, Shape, bad_layer


@dataclass(frozen=True)
class Block:
    """SpaceToDepthOptions and DepthToSpaceOptions: the side of a block of pixels."""

    side: int


def read(options: Table) -> Block:
    """The side of a block."""
    return Block(options.int32(0))


def checked(graph: Graph, op: Op, divided: Callable[[Shape, int], bool]) -> tuple[Shape, int]:
    """(the input's shape, the side); BadInput where the blocks do not come out even."""
    x, side = graph.input(op, 0), int(op.attrs.side)
    if len(x.shape) != 4 or not 1 <= side <= 1 << 14 or not divided(x.shape, side):
        raise bad_layer(op, f"an input {x.shape} does not part into blocks of {side} by {side}")
    return x.shape, side


def depth_kernel(to_depth: bool) -> Kernel:
    """A move between the rows of the image and the channels."""

    def emit(graph: Graph, op: Op) -> LayerCode:
        x, y, side = graph.input(op, 0), graph.output(op), op.attrs.side
        batches, height, width, channels = y.shape if to_depth else x.shape
        group = channels // (side * side)
        size = (batches, height, side, width, side, group)
        row = width * channels
        stacked = (height * row, row, side * group, channels, group, 1)
        flat = contiguous(size)
        x_stride, y_stride = (flat, stacked) if to_depth else (stacked, flat)
        return LayerCode(
            function="tg_move",
            struct="tg_move_params",
            params=move_fields(op, x.dtype, size, x_stride, y_stride),
            args=(In(), Out()),
        )

    return Kernel("move", "move.h", emit, dtypes=("int8", "float32"))
