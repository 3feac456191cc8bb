"""AVERAGE_POOL_2D: the mean of the taps inside the image, rounded half away from zero."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._fixed_point import RANGES
from ._pool import pool_code, read, shapes
from .base import FUSED, Kernel, LayerCode, Operator, bad_layer


def emit(graph: Graph, op: Op) -> LayerCode:
    """The portable kernel; the rounded sum of a window must fit 32 bits."""
    x, pool = graph.input(op, 0), op.attrs
    taps = min(pool.kernel_h, x.shape[1]) * min(pool.kernel_w, x.shape[2])
    if taps * -RANGES[x.dtype][0] + taps // 2 >= 2**31:
        raise bad_layer(op, f"the sum of {taps} values may pass 32 bits")
    return pool_code(graph, op, "tg_average_pool")


OPERATOR = Operator(
    kind="AVERAGE_POOL_2D",
    resolver="AddAveragePool2D",
    fused=FUSED,
    limits="input and output of one scale and zero point",
    read=read,
    shapes=shapes,
    kernels=(
        Kernel("average_pool_s8", "average_pool_2d.h", emit),
        Kernel("average_pool_s16", "average_pool_2d.h", emit, dtypes=("int16",)),
    ),
)
