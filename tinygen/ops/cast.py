"""CAST: numbers of one type as another, as they stand: scales are not applied, integers wrap, fractions go."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._lut import shapes
from .base import In, Kernel, LayerCode, Operator, Out, unsupported

SHORT = {"int8": "s8", "int16": "s16", "int32": "s32", "bool": "bool", "float32": "f32"}


def emit(graph: Graph, op: Op) -> LayerCode:
    """A kernel a pair of types; a cast to the same type copies."""
    x, y = graph.input(op, 0), graph.output(op)
    if y.dtype not in SHORT:
        raise unsupported(op, f"CAST of {x.dtype} to {y.dtype} is not supported", f"Cast to {', '.join(SHORT)}.")
    return LayerCode(f"tg_cast_{SHORT[x.dtype]}_{SHORT[y.dtype]}", args=(In(), Out(), x.size))


def emit_copy(graph: Graph, op: Op) -> LayerCode:
    """The bytes unchanged."""
    return LayerCode("tg_copy", args=(In(), Out(), graph.input(op, 0).nbytes))


def is_same(graph: Graph, op: Op) -> bool:
    """Whether the type stays."""
    return graph.input(op, 0).dtype == graph.output(op).dtype


OPERATOR = Operator(
    kind="CAST",
    resolver="AddCast",
    shapes=shapes,
    kernels=(
        Kernel("copy", "copy.h", emit_copy, dtypes=tuple(SHORT), supports=is_same),
        Kernel("cast", "cast.h", emit, dtypes=tuple(SHORT), converts=True),
    ),
)
