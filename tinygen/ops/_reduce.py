"""Reductions over any axes: the shape that is left, and loops over what stays and over what goes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..flatbuffer import Table
from ..graph.ir import Graph, Op
from ._fixed_point import SHORT, reach
from ._move import constant_ints, contiguous
from .base import In, LayerCode, Out, Shape, bad_layer, per_tensor, unsupported

LOOPS = 3

Fields = tuple[tuple[str, tuple[int, ...]], ...]


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
    """The input's shape; reduced dimensions become 1 or go."""
    x, axes = graph.input(op, 0), _axes(graph, op)
    if op.attrs.keep_dims:
        return (tuple(1 if i in axes else n for i, n in enumerate(x.shape)),)
    return (tuple(n for i, n in enumerate(x.shape) if i not in axes),)


def reduced_count(graph: Graph, op: Op) -> int:
    """How many values are taken together."""
    shape = graph.input(op, 0).shape
    return math.prod(shape[axis] for axis in _axes(graph, op))


def reduce_fields(graph: Graph, op: Op) -> Fields:
    """The fields of TG_REDUCE_FIELDS."""
    shape, axes = graph.input(op, 0).shape, _axes(graph, op)
    kept, kept_stride = _loops(op, shape, axes, reduced=False)
    reduced, reduced_stride = _loops(op, shape, axes, reduced=True)
    return (
        ("kept", kept),
        ("kept_stride", kept_stride),
        ("reduced", reduced),
        ("reduced_stride", reduced_stride),
    )


def _loops(op: Op, shape: Shape, axes: set[int], reduced: bool) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(extents, strides) of the dimensions that are reduced or that stay, neighbours joined."""
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
        raise unsupported(op, f"reducing {shape} over more than {LOOPS} separate groups of axes is not supported")
    joined = [(1, 0)] * (LOOPS - len(joined)) + joined
    return tuple(size for size, _ in joined), tuple(stride for _, stride in joined)


def input_output_ratio(graph: Graph, op: Op) -> float:
    """Input scale by output scale, in double."""
    return per_tensor(op, graph.input(op, 0))[0] / per_tensor(op, graph.output(op))[0]


def sum_code(graph: Graph, op: Op, multiplier: int, shift: int) -> LayerCode:
    """The call for y = requantize(sum of x - its zero point): sums, and means whose multiplier divides.

    Sums of int8 wrap; those of int16 that may pass 32 bits are refused.
    """
    x, count = graph.input(op, 0), reduced_count(graph, op)
    (_, in_zero), (_, out_zero) = per_tensor(op, x), per_tensor(op, graph.output(op))
    if x.dtype == "int16" and count * (max(reach(op, x)) + 1) << max(shift, 0) >= 2**31:
        raise bad_layer(op, f"the sum of {count} values, shifted left by {max(shift, 0)}, may pass 32 bits")
    wrapped = (-in_zero * count + 2**31) % 2**32 - 2**31
    return LayerCode(
        function=f"tg_mean_{SHORT[x.dtype]}",
        struct="tg_mean_params",
        params=(
            *reduce_fields(graph, op),
            ("sum_offset", wrapped),
            ("multiplier", multiplier),
            ("shift", shift),
            ("output_zero_point", out_zero),
        ),
        args=(In(), Out()),
    )


def extreme_code(graph: Graph, op: Op, function: str) -> LayerCode:
    """The call of a largest or smallest value; TFLM refuses an output of another scale or zero point."""
    if per_tensor(op, graph.input(op, 0)) != per_tensor(op, graph.output(op)):
        raise bad_layer(op, "its input and output differ in scale or zero point")
    return LayerCode(function=function, struct="tg_reduce_params", params=reduce_fields(graph, op), args=(In(), Out()))
