"""BATCH_MATMUL: products of matrices, both known at run time or one constant, either transposed, batches broadcast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..flatbuffer import Table
from ..graph.ir import Graph, Op
from ._broadcast import broadcast_shape, loops
from ._fixed_point import checked_multiplier
from ._sums import check_reach, check_symmetric, reduced_multipliers
from .base import In, Kernel, LayerCode, Operator, Out, Shape, bad_layer, per_tensor, unsupported


@dataclass(frozen=True)
class BatchMatMul:
    """BatchMatMulOptions: whether the last two dimensions of an operand are exchanged."""

    adj_x: bool
    adj_y: bool


@dataclass(frozen=True)
class Matrices:
    """y[rows, columns] = a[rows, depth] · b[depth, columns], for each of the batches."""

    rows: int
    depth: int
    columns: int
    batches_a: Shape
    batches_b: Shape


def read(options: Table) -> BatchMatMul:
    """BatchMatMulOptions."""
    return BatchMatMul(options.bool(0), options.bool(1))


def _matrices(graph: Graph, op: Op) -> Matrices:
    a, b = graph.input(op, 0), graph.input(op, 1)
    if a.dtype != b.dtype:
        raise bad_layer(op, f"operands of type {a.dtype} and {b.dtype}")
    if not (2 <= len(a.shape) <= 5 and 2 <= len(b.shape) <= 5):
        raise unsupported(
            op,
            f"operands {a.shape} and {b.shape}, not of 2 to 5 dimensions, are not supported",
            "Reshape to 2 to 5 dimensions.",
        )
    rows, depth = a.shape[-2:][:: -1 if op.attrs.adj_x else 1]
    depth_b, columns = b.shape[-2:][:: -1 if op.attrs.adj_y else 1]
    if depth != depth_b:
        raise bad_layer(op, f"operands {a.shape} and {b.shape} do not agree in depth: {depth} and {depth_b}")
    return Matrices(rows, depth, columns, a.shape[:-2], b.shape[:-2])


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """The broadcast batches and [rows, columns]."""
    m = _matrices(graph, op)
    return ((*broadcast_shape(op, m.batches_a, m.batches_b), m.rows, m.columns),)


def macs(graph: Graph, op: Op) -> int:
    """Multiplications."""
    return graph.output(op).size * _matrices(graph, op).depth


def emit(graph: Graph, op: Op) -> LayerCode:
    """The portable kernel, which reads a transposed operand by strides; the product of the scales is in double."""
    m, int16 = _matrices(graph, op), graph.output(op).dtype == "int16"
    size, (name1, stride1), (name2, stride2) = loops(op, m.batches_a, m.batches_b)
    return LayerCode(
        function="tg_batch_matmul_s16" if int16 else "tg_batch_matmul_s8",
        struct="tg_batch_matmul_s16_params" if int16 else "tg_batch_matmul_params",
        params=(
            size,
            (name1, tuple(n * m.rows * m.depth for n in stride1)),
            (name2, tuple(n * m.depth * m.columns for n in stride2)),
            ("rows", m.rows),
            ("depth", m.depth),
            ("columns", m.columns),
            ("a_row", 1 if op.attrs.adj_x else m.depth),
            ("a_step", m.rows if op.attrs.adj_x else 1),
            ("b_column", m.depth if op.attrs.adj_y else 1),
            ("b_step", 1 if op.attrs.adj_y else m.columns),
            *_requantization(graph, op, m.depth),
        ),
        args=(In(0), In(1), Out()),
    )


def _requantization(graph: Graph, op: Op, depth: int) -> tuple[tuple[str, int], ...]:
    """Zero points of int8, which int16 must not have, and multiplier and shift, those of 64-bit sums for int16."""
    a, b, y = graph.input(op, 0), graph.input(op, 1), graph.output(op)
    (a_scale, a_zero), (b_scale, b_zero), (y_scale, y_zero) = (per_tensor(op, t) for t in (a, b, y))
    multiplier, shift = checked_multiplier(op, a_scale * b_scale / y_scale)
    if y.dtype == "int16":
        check_symmetric(op, a, b, y)
        reduced, right = reduced_multipliers(op, np.array([multiplier]), np.array([shift]))
        check_reach(op, [depth << 30], reduced, right)
        return ("output_multiplier", int(reduced[0])), ("output_shift", int(right[0]))
    return (
        ("a_offset", -a_zero),
        ("b_offset", -b_zero),
        ("output_multiplier", multiplier),
        ("output_shift", shift),
        ("output_zero_point", y_zero),
    )


OPERATOR = Operator(
    kind="BATCH_MATMUL",
    resolver="AddBatchMatMul",
    limits="2 to 5 dimensions; at most 4 loops over batches that broadcast alike",
    read=read,
    shapes=shapes,
    macs=macs,
    inputs=(2, 2),
    kernels=(
        Kernel("batch_matmul_s8", "batch_matmul.h", emit),
        Kernel("batch_matmul_s16", "batch_matmul_s16.h", emit, dtypes=("int16",)),
    ),
)
