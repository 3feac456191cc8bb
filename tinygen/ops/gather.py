"""GATHER: slices along an axis by int32 indices, constant or computed; an Embedding layer is one. Batch dimensions."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..flatbuffer import Table
from ..graph.ir import ITEM_BYTES, Graph, Op
from .base import In, Kernel, LayerCode, Operator, Out, Shape, bad_layer, unsupported


@dataclass(frozen=True)
class Gather:
    """GatherOptions."""

    axis: int
    batch_dims: int


def read(options: Table) -> Gather:
    """GatherOptions."""
    return Gather(options.int32(0), options.int32(1))


def _axes(graph: Graph, op: Op) -> tuple[int, int]:
    """(axis, number of batch dimensions), both counted from the front."""
    x, indices = graph.input(op, 0), graph.input(op, 1)
    axis = op.attrs.axis + (len(x.shape) if op.attrs.axis < 0 else 0)
    batch = op.attrs.batch_dims + (len(indices.shape) if op.attrs.batch_dims < 0 else 0)
    if not (0 <= batch <= axis < len(x.shape) and batch <= len(indices.shape)):
        raise bad_layer(op, f"axis {op.attrs.axis} and {op.attrs.batch_dims} batch dimensions do not fit {x.shape}")
    if x.shape[:batch] != indices.shape[:batch]:
        raise bad_layer(op, f"input {x.shape} and indices {indices.shape} differ in their {batch} batch dimensions")
    return axis, batch


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """The input's shape with the indices' in the place of the axis."""
    x, indices = graph.input(op, 0), graph.input(op, 1)
    axis, batch = _axes(graph, op)
    if indices.dtype != "int32":
        raise unsupported(op, f"indices of type {indices.dtype}, not int32, are not supported", "Cast them to int32.")
    if indices.data is not None and not 0 <= int(indices.data.min()) <= int(indices.data.max()) < x.shape[axis]:
        raise bad_layer(op, f"indices from {indices.data.min()} to {indices.data.max()} of {x.shape[axis]} slices")
    return ((*x.shape[:axis], *indices.shape[batch:], *x.shape[axis + 1 :]),)


def emit(graph: Graph, op: Op) -> LayerCode:
    """One copy an index; the values are not rescaled."""
    x, indices = graph.input(op, 0), graph.input(op, 1)
    axis, batch = _axes(graph, op)
    return LayerCode(
        function="tg_gather",
        struct="tg_gather_params",
        params=(
            ("batches", math.prod(x.shape[:batch])),
            ("outer", math.prod(x.shape[batch:axis])),
            ("slices", x.shape[axis]),
            ("indices", math.prod(indices.shape[batch:])),
            ("bytes", math.prod(x.shape[axis + 1 :]) * ITEM_BYTES[x.dtype]),
        ),
        args=(In(0), In(1), Out()),
    )


OPERATOR = Operator(
    kind="GATHER",
    resolver="AddGather",
    limits="int32 indices; those computed are held to the axis",
    read=read,
    shapes=shapes,
    inputs=(2, 2),
    kernels=(Kernel("gather", "gather.h", emit, dtypes=("int8", "float32")),),
)
