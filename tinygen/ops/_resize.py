"""Resizing images: what RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR share."""

from __future__ import annotations

from dataclasses import dataclass

from ..graph.ir import Graph, Op
from ._move import constant_ints
from ._window import MAX_REACH
from .base import Shape, bad_layer


@dataclass(frozen=True)
class Resize:
    """ResizeNearestNeighborOptions and ResizeBilinearOptions."""

    align_corners: bool
    half_pixel_centers: bool


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """[N, H', W', C] from [N, H, W, C] and a constant size (H', W')."""
    x = graph.input(op, 0)
    size = constant_ints(graph, op, 1, "sizes")
    if len(x.shape) != 4 or graph.input(op, 1).shape != (2,) or min(size) < 1:
        raise bad_layer(op, f"needs a 4-D input and a size of height and width, has {x.shape} and {size}")
    if max(*size, *x.shape) > MAX_REACH:
        raise bad_layer(op, f"sizes {x.shape} and {size} are more than {MAX_REACH}")
    return ((x.shape[0], size[0], size[1], x.shape[3]),)
