"""Pools over windows: what AVERAGE_POOL_2D and MAX_POOL_2D share."""

from __future__ import annotations

from dataclasses import dataclass

from ..flatbuffer import Table
from ..graph.ir import Graph, Op
from ._fixed_point import SHORT, activation_range
from ._window import Window, check_window, extent
from .base import In, LayerCode, Out, Shape, bad_layer, per_tensor

#: TFLM compares the scales so, absolutely; the pool itself never rescales.
SCALE_TOLERANCE = 1.0e-6


@dataclass(frozen=True)
class Pool(Window):
    """Pool2DOptions: a window and its extent."""

    kernel_h: int = 1
    kernel_w: int = 1


def read(options: Table) -> Pool:
    """Pool2DOptions."""
    return Pool(
        padding=options.int8(0),
        stride_w=options.int32(1),
        stride_h=options.int32(2),
        kernel_w=options.int32(3),
        kernel_h=options.int32(4),
        fused=options.int8(5),
    )


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """[N, H', W', C] from [N, H, W, C]."""
    x, pool, y = graph.input(op, 0), op.attrs, graph.output(op)
    check_window(op, pool)
    if len(x.shape) != 4 or not (1 <= pool.kernel_h <= 65535 and 1 <= pool.kernel_w <= 65535):
        raise bad_layer(op, f"needs a 4-D input and a window, has {x.shape} and {pool.kernel_h}×{pool.kernel_w}")
    (scale, zero_point), (out_scale, out_zero_point) = per_tensor(op, x), per_tensor(op, y)
    if abs(scale - out_scale) > SCALE_TOLERANCE or zero_point != out_zero_point:
        raise bad_layer(op, "its input and output differ in scale or zero point")
    height, _ = extent(op, x.shape[1], pool.kernel_h, pool.stride_h, 1, pool.padding)
    width, _ = extent(op, x.shape[2], pool.kernel_w, pool.stride_w, 1, pool.padding)
    return ((x.shape[0], height, width, x.shape[3]),)


def pool_code(graph: Graph, op: Op, function: str) -> LayerCode:
    """The call of a pool's kernel, `function` with the type's name."""
    x, pool, y = graph.input(op, 0), op.attrs, graph.output(op)
    low, high = activation_range(op, pool.fused, y)
    _, pad_top = extent(op, x.shape[1], pool.kernel_h, pool.stride_h, 1, pool.padding)
    _, pad_left = extent(op, x.shape[2], pool.kernel_w, pool.stride_w, 1, pool.padding)
    return LayerCode(
        function=f"{function}_{SHORT[x.dtype]}",
        struct="tg_pool_params",
        params=(
            ("batches", x.shape[0]),
            ("in_h", x.shape[1]),
            ("in_w", x.shape[2]),
            ("channels", x.shape[3]),
            ("out_h", y.shape[1]),
            ("out_w", y.shape[2]),
            ("kernel_h", pool.kernel_h),
            ("kernel_w", pool.kernel_w),
            ("stride_h", pool.stride_h),
            ("stride_w", pool.stride_w),
            ("pad_top", pad_top),
            ("pad_left", pad_left),
            ("activation_min", low),
            ("activation_max", high),
        ),
        args=(In(), Out()),
    )
