"""DEQUANTIZE: integers to float."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._fixed_point import float32_bits
from ._lut import shapes
from ._ways_out import AGAIN
from .base import In, Kernel, LayerCode, Operator, Out, per_tensor, unsupported

SHORT = {"int8": "s8", "uint8": "u8", "int16": "s16"}


def emit(graph: Graph, op: Op) -> LayerCode:
    """scale · (q - zero point)."""
    x, y = graph.input(op, 0), graph.output(op)
    if y.dtype != "float32":
        raise unsupported(op, f"DEQUANTIZE of {x.dtype} to {y.dtype} is not supported", AGAIN)
    scale, zero_point = per_tensor(op, x)
    return LayerCode(
        function=f"tg_dequantize_{SHORT[x.dtype]}",
        struct="tg_dequantize_params",
        params=(("count", x.size), ("scale", float32_bits(scale)), ("zero_point", zero_point)),
        args=(In(), Out()),
    )


OPERATOR = Operator(
    kind="DEQUANTIZE",
    resolver="AddDequantize",
    shapes=shapes,
    kernels=(Kernel("dequantize", "dequantize.h", emit, dtypes=tuple(SHORT), converts=True),),
)
