"""MEAN: the average over any axes, rescaled."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._fixed_point import checked_multiplier
from ._reduce import input_output_ratio, read, reduced_count, shapes, sum_code
from .base import Kernel, LayerCode, Operator


def mean_multiplier(multiplier: int, shift: int, count: int) -> tuple[int, int]:
    """TFLM's way to divide by `count`: the multiplier is divided, its lost bits go to the shift while there is room."""
    room = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << room) // count, shift - room


def emit(graph: Graph, op: Op) -> LayerCode:
    """The sum's kernel with the division in its multiplier."""
    pair = checked_multiplier(op, input_output_ratio(graph, op))
    return sum_code(graph, op, *mean_multiplier(*pair, reduced_count(graph, op)))


OPERATOR = Operator(
    kind="MEAN",
    resolver="AddMean",
    limits="constant axes, at most 3 groups of neighbouring ones",
    read=read,
    shapes=shapes,
    inputs=(2, 2),
    kernels=(Kernel("mean_s8", "mean.h", emit), Kernel("mean_s16", "mean.h", emit, dtypes=("int16",))),
)
