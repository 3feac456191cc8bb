"""RESIZE_BILINEAR: an image interpolated between its pixels, in the reference's fixed point of 10 bits."""

from __future__ import annotations

from ..flatbuffer import Table
from ..graph.ir import Graph, Op
from . import _resize
from ._resize import Resize
from .base import In, Kernel, LayerCode, Operator, Out, Shape, bad_layer

ONE = 1 << 10


def read(options: Table) -> Resize:
    """ResizeBilinearOptions."""
    return Resize(options.bool(2), options.bool(3))


def _axis(op: Op, size: int, out: int) -> tuple[int, int]:
    """(step, start) of the output's places in the input, in 1/1024 of a pixel.

    The step is rounded, so that the last place may lie a pixel or more beyond the input, where TFLM reads what follows.
    """
    resize: Resize = op.attrs
    corners = resize.align_corners and out > 1
    above, below = (size - 1, out - 1) if corners else (size, out)
    step = (ONE * above + below // 2) // below
    start = step // 2 - ONE // 2 if resize.half_pixel_centers else 0
    last = (out - 1) * step + start
    if last >= ONE * size:
        raise bad_layer(op, f"from {size} to {out} pixels, TensorFlow Lite Micro reads beyond its input")
    return step, start


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """[N, H', W', C] from [N, H, W, C] and a constant size (H', W')."""
    if op.attrs.half_pixel_centers and op.attrs.align_corners:
        raise bad_layer(op, "aligns corners and centres of pixels, which exclude each other")
    return _resize.shapes(graph, op)


def emit(graph: Graph, op: Op) -> LayerCode:
    """The values are not rescaled: input and output are taken to have one scale."""
    x, y = graph.input(op, 0), graph.output(op)
    step_y, start_y = _axis(op, x.shape[1], y.shape[1])
    step_x, start_x = _axis(op, x.shape[2], y.shape[2])
    return LayerCode(
        function="tg_resize_bilinear_s8",
        struct="tg_resize_bilinear_params",
        params=(
            ("batches", x.shape[0]),
            ("in_h", x.shape[1]),
            ("in_w", x.shape[2]),
            ("channels", x.shape[3]),
            ("out_h", y.shape[1]),
            ("out_w", y.shape[2]),
            ("step_y", step_y),
            ("step_x", step_x),
            ("start_y", start_y),
            ("start_x", start_x),
        ),
        args=(In(), Out()),
    )


OPERATOR = Operator(
    kind="RESIZE_BILINEAR",
    resolver="AddResizeBilinear",
    limits="4 dimensions, a constant size; not where the reference reads beyond its input",
    read=read,
    shapes=shapes,
    inputs=(2, 2),
    kernels=(Kernel("resize_bilinear_s8", "resize_bilinear.h", emit),),
)
