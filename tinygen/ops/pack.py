"""PACK: tensors of one shape side by side along a new axis."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..flatbuffer import Table
from ..graph.ir import ITEM_BYTES, Graph, Op
from ._split import axis_of
from .base import Arg, In, Kernel, LayerCode, Operator, Out, Shape, bad_layer, unsupported
from .concatenation import MAX_INPUTS

MAX_READ = 255


@dataclass(frozen=True)
class Pack:
    """PackOptions."""

    values_count: int
    axis: int


def read(options: Table) -> Pack:
    """PackOptions."""
    return Pack(options.int32(0), options.int32(1))


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """The first input's shape with the number of inputs at the new axis."""
    inputs = [graph.input(op, i) for i in range(len(op.inputs))]
    first = inputs[0]
    if op.attrs.values_count != len(inputs):
        raise bad_layer(op, f"packs {op.attrs.values_count} tensors and has {len(inputs)}")
    if any((t.shape, t.dtype) != (first.shape, first.dtype) for t in inputs):
        raise bad_layer(op, f"operands that differ in shape or type from the first, {first.dtype} {first.shape}")
    axis = axis_of(op, op.attrs.axis, len(first.shape) + 1)
    return ((*first.shape[:axis], len(inputs), *first.shape[axis:]),)


def emit(graph: Graph, op: Op) -> LayerCode:
    """A concatenation of rows that begin at the axis; nothing is rescaled, as in TFLM."""
    first, count = graph.input(op, 0), len(op.inputs)
    if count > MAX_INPUTS:
        raise unsupported(op, f"packing {count} tensors, more than {MAX_INPUTS}, is not supported")
    axis = axis_of(op, op.attrs.axis, len(first.shape) + 1)
    row = math.prod(first.shape[axis:]) * ITEM_BYTES[first.dtype]
    spare = (0,) * (MAX_INPUTS - count)
    operands: tuple[Arg, ...] = tuple(In(i) for i in range(count))
    return LayerCode(
        function="tg_concatenation",
        struct="tg_concatenation_params",
        params=(
            ("inputs", count),
            ("rows", math.prod(first.shape[:axis])),
            ("bytes", (*((row,) * count), *spare)),
        ),
        args=(*operands, *spare, Out()),
    )


OPERATOR = Operator(
    kind="PACK",
    resolver="AddPack",
    limits="up to 100 operands: above 10 in steps",
    read=read,
    shapes=shapes,
    inputs=(1, MAX_READ),
    kernels=(Kernel("concatenation", "concatenation.h", emit, dtypes=("int8", "int16", "int32", "int64", "float32")),),
)
