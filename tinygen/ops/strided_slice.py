"""STRIDED_SLICE: every n-th element between constant bounds along each dimension, forwards or backwards.

TFLM takes one bound a dimension of the input and ignores the ellipsis and new-axis masks; a model that sets them is
refused here, for it would mean something else than what runs.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..flatbuffer import Table
from ..graph.ir import Graph, Op
from ._move import constant_ints, contiguous, move_fields
from ._ways_out import FEWER
from .base import In, Kernel, LayerCode, Operator, Out, Shape, bad_layer, unsupported

MAX_RANK = 4


@dataclass(frozen=True)
class StridedSlice:
    """StridedSliceOptions: bit i of a mask is about dimension i."""

    begin_mask: int
    end_mask: int
    ellipsis_mask: int
    new_axis_mask: int
    shrink_axis_mask: int
    offset: bool


@dataclass(frozen=True)
class Range:
    """What is taken along one dimension; `shrink` drops the dimension."""

    start: int
    step: int
    count: int
    shrink: bool


def read(options: Table) -> StridedSlice:
    """StridedSliceOptions."""
    begin, end, ellipsis, new_axis, shrink = (options.int32(i) for i in range(5))
    return StridedSlice(begin, end, ellipsis, new_axis, shrink, options.bool(5))


def _range(op: Op, dim: int, size: int, begin: int, end: int, step: int) -> Range:
    """numpy's slicing: negative bounds count from the end, all are held to the dimension."""
    attrs, bit = op.attrs, 1 << dim
    if step == 0:
        raise bad_layer(op, f"a stride of 0 in dimension {dim}")
    low, high = (0, size) if step > 0 else (-1, size - 1)

    def held(index: int) -> int:
        return max(low, min(high, index + size if index < 0 else index))

    start = held(begin)
    if attrs.begin_mask & bit:
        start = low if step > 0 else high
    if attrs.shrink_axis_mask & bit:
        if step < 0 or not 0 <= start < size or (not attrs.begin_mask & bit and not -size <= begin < size):
            raise bad_layer(op, f"takes element {begin} by stride {step} of dimension {dim}, which has {size}")
        return Range(start, 1, 1, True)
    stop = held(end)
    if attrs.end_mask & bit:
        stop = high if step > 0 else low
    return Range(start, step, max(0, -(-(stop - start) // step)), False)


def _ranges(graph: Graph, op: Op) -> list[Range]:
    x, attrs = graph.input(op, 0), op.attrs
    if attrs.ellipsis_mask or attrs.new_axis_mask or attrs.offset:
        unknown = "an ellipsis, a new axis or ends relative to their begins are not supported"
        raise unsupported(op, unknown, "Write a begin and an end for each dimension.")
    if not 1 <= len(x.shape) <= MAX_RANK:
        raise unsupported(op, f"slicing {len(x.shape)} dimensions, not 1 to {MAX_RANK}, is not supported", FEWER)
    bounds = [constant_ints(graph, op, i, what) for i, what in ((1, "begins"), (2, "ends"), (3, "strides"))]
    if any(len(values) != len(x.shape) for values in bounds):
        raise bad_layer(op, f"needs {len(x.shape)} begins, ends and strides, has {[len(v) for v in bounds]}")
    return [_range(op, dim, size, *values) for dim, (size, *values) in enumerate(zip(x.shape, *bounds))]


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """How many elements are taken along each dimension that stays."""
    return (tuple(r.count for r in _ranges(graph, op) if not r.shrink),)


def emit(graph: Graph, op: Op) -> LayerCode:
    """The output in order, the input by strides."""
    x = graph.input(op, 0)
    ranges = _ranges(graph, op)
    strides = contiguous(x.shape)
    counts = tuple(r.count for r in ranges)
    steps = tuple(r.step * stride for r, stride in zip(ranges, strides))
    start = sum(r.start * stride for r, stride in zip(ranges, strides))
    return LayerCode(
        function="tg_move",
        struct="tg_move_params",
        params=move_fields(op, x.dtype, counts, steps, contiguous(counts), x_start=start),
        args=(In(), Out()),
    )


OPERATOR = Operator(
    kind="STRIDED_SLICE",
    resolver="AddStridedSlice",
    limits="1 to 4 dimensions; constant bounds; no ellipsis, no new axis",
    read=read,
    shapes=shapes,
    inputs=(4, 4),
    kernels=(Kernel("move", "move.h", emit, dtypes=("int8", "int16", "int32", "float32", "bool")),),
)
