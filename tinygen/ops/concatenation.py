"""CONCATENATION: up to ten tensors of one type side by side along an axis."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..flatbuffer import Table
from ..graph.ir import ITEM_BYTES, Graph, Op
from ._ways_out import OWN_LAYER
from .base import (
    Arg,
    In,
    Kernel,
    LayerCode,
    Operator,
    Out,
    Shape,
    activation_name,
    bad_layer,
    per_tensor,
    symmetric,
    unsupported,
)

MAX_INPUTS = 10


@dataclass(frozen=True)
class Concatenation:
    """ConcatenationOptions."""

    axis: int
    fused: int


def read(options: Table) -> Concatenation:
    """ConcatenationOptions."""
    return Concatenation(options.int32(0), options.int8(1))


def _axis(op: Op, rank: int) -> int:
    axis = int(op.attrs.axis)
    if not -rank <= axis < rank:
        raise bad_layer(op, f"axis {axis} is not one of {rank} dimensions")
    return axis % rank


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """The first input's shape, with the extents along the axis added up."""
    inputs = [graph.input(op, i) for i in range(len(op.inputs))]
    first = inputs[0].shape
    axis = _axis(op, len(first))
    for tensor in inputs:
        if tensor.dtype != inputs[0].dtype:
            raise bad_layer(op, f"operands of type {inputs[0].dtype} and {tensor.dtype}")
        if len(tensor.shape) != len(first) or any(
            m != n for i, (m, n) in enumerate(zip(first, tensor.shape)) if i != axis
        ):
            raise bad_layer(op, f"operands {first} and {tensor.shape} do not fit along axis {axis}")
    total = sum(tensor.shape[axis] for tensor in inputs)
    return ((*first[:axis], total, *first[axis + 1 :]),)


def emit(graph: Graph, op: Op) -> LayerCode:
    """The portable kernel. TFLM does not rescale: int8 operands have the output's scale, int16 no zero point."""
    y = graph.output(op)
    inputs = [graph.input(op, i) for i in range(len(op.inputs))]
    if activation_name(op, op.attrs.fused) != "NONE":
        raise unsupported(op, "a fused activation is not supported", OWN_LAYER)
    for tensor in inputs if y.dtype == "int8" else ():
        if per_tensor(op, tensor) != per_tensor(op, y):
            raise unsupported(
                op, f"{tensor.name!r} with a scale or zero point other than the output's is not supported"
            )
    symmetric(op, *inputs, y)
    axis = _axis(op, len(y.shape))
    row = math.prod(y.shape[axis + 1 :]) * ITEM_BYTES[y.dtype]
    spare = MAX_INPUTS - len(inputs)
    pointers: tuple[Arg, ...] = (*(In(i) for i in range(len(inputs))), *((0,) * spare))
    return LayerCode(
        function="tg_concatenation",
        struct="tg_concatenation_params",
        params=(
            ("inputs", len(inputs)),
            ("rows", math.prod(y.shape[:axis])),
            ("bytes", (*(tensor.shape[axis] * row for tensor in inputs), *((0,) * spare))),
        ),
        args=(*pointers, Out()),
    )


OPERATOR = Operator(
    kind="CONCATENATION",
    resolver="AddConcatenation",
    limits="up to 10 operands, of the output's scale",
    read=read,
    shapes=shapes,
    inputs=(1, MAX_INPUTS),
    kernels=(
        Kernel("concatenation", "concatenation.h", emit, dtypes=("int8", "int16", "int32", "int64", "float32", "bool")),
    ),
)
