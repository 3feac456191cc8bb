"""MEAN: the average over any axes, rescaled."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..flatbuffer import Table
from ..graph.ir import Graph, Op
from ._fixed_point import checked_multiplier
from ._move import constant_ints, contiguous
from .base import In, Kernel, LayerCode, Operator, Out, Shape, bad_layer, per_tensor, unsupported

LOOPS = 3


@dataclass(frozen=True)
class Reducer:
    """ReducerOptions."""

    keep_dims: bool


def read(options: Table) -> Reducer:
    """ReducerOptions."""
    return Reducer(options.bool(0))


def _axes(graph: Graph, op: Op) -> set[int]:
    rank = len(graph.input(op, 0).shape)
    axes = constant_ints(graph, op, 1, "axes")
    if any(not -rank <= axis < rank for axis in axes):
        raise bad_layer(op, f"axes {axes} are not all among {rank} dimensions")
    return {axis % rank for axis in axes}


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """The input's shape; averaged dimensions become 1 or go."""
    x, axes = graph.input(op, 0), _axes(graph, op)
    if op.attrs.keep_dims:
        return (tuple(1 if i in axes else n for i, n in enumerate(x.shape)),)
    return (tuple(n for i, n in enumerate(x.shape) if i not in axes),)


def _loops(op: Op, shape: Shape, axes: set[int], reduced: bool) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(extents, strides) of the dimensions that are averaged or that stay, neighbours joined."""
    joined: list[tuple[int, int]] = []
    last = -2
    for i, (size, stride) in enumerate(zip(shape, contiguous(shape))):
        if size == 1 or (i in axes) != reduced:
            continue
        if joined and all(n == 1 for n in shape[last + 1 : i]):
            joined[-1] = (joined[-1][0] * size, stride)
        else:
            joined.append((size, stride))
        last = i
    if len(joined) > LOOPS:
        raise unsupported(op, f"averaging {shape} over more than {LOOPS} separate groups of axes is not supported")
    joined = [(1, 0)] * (LOOPS - len(joined)) + joined
    return tuple(size for size, _ in joined), tuple(stride for _, stride in joined)


def mean_multiplier(multiplier: int, shift: int, count: int) -> tuple[int, int]:
    """TFLM's way to divide by `count`: the multiplier is divided, its lost bits go to the shift while there is room."""
    room = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << room) // count, shift - room


def emit(graph: Graph, op: Op) -> LayerCode:
    """The portable kernel."""
    x, y = graph.input(op, 0), graph.output(op)
    axes = _axes(graph, op)
    (in_scale, in_zero), (out_scale, out_zero) = per_tensor(op, x), per_tensor(op, y)
    count = math.prod(x.shape[axis] for axis in axes)
    multiplier, shift = mean_multiplier(*checked_multiplier(op, in_scale / out_scale), count)
    kept, kept_stride = _loops(op, x.shape, axes, reduced=False)
    reduced, reduced_stride = _loops(op, x.shape, axes, reduced=True)
    wrapped = (-in_zero * count + 2**31) % 2**32 - 2**31
    return LayerCode(
        function="tg_mean_s8",
        struct="tg_mean_params",
        params=(
            ("kept", kept),
            ("kept_stride", kept_stride),
            ("reduced", reduced),
            ("reduced_stride", reduced_stride),
            ("sum_offset", wrapped),
            ("multiplier", multiplier),
            ("shift", shift),
            ("output_zero_point", out_zero),
        ),
        args=(In(), Out()),
    )


OPERATOR = Operator(
    kind="MEAN",
    resolver="AddMean",
    read=read,
    shapes=shapes,
    inputs=(2, 2),
    kernels=(Kernel("mean_s8", "mean.h", emit),),
)
