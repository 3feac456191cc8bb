"""QUANTIZE: float to integers, and integers of one scale and type to another."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._fixed_point import RANGES, checked_multiplier, float32_bits, requantized
from ._lut import lut_code, shapes
from ._requantize import SHORT, requantize_code
from ._ways_out import AGAIN
from .base import In, Kernel, LayerCode, Operator, Out, per_tensor, unsupported

RANGES32 = RANGES | {"int32": (-(2**31), 2**31 - 1)}
TO_FROM_FLOAT = ("int8", "int16")
TO_BY_TABLE = {"int8": ("int8", "uint8"), "uint8": ("int8",)}
TO = {"int8": ("int16", "int32"), "int16": ("int8", "int16", "int32"), "int32": ("int8", "int16")}


def is_table(graph: Graph, op: Op) -> bool:
    """8 bits to 8 bits."""
    return graph.output(op).dtype in TO_BY_TABLE.get(graph.input(op, 0).dtype, ())


def _ratio(graph: Graph, op: Op) -> tuple[int, int]:
    in_scale, out_scale = per_tensor(op, graph.input(op, 0))[0], per_tensor(op, graph.output(op))[0]
    return checked_multiplier(op, in_scale / out_scale)


def emit_table(graph: Graph, op: Op) -> LayerCode:
    """A table; where only the zero points differ by 128, it is the change of sign that TFLM makes."""
    multiplier, shift = _ratio(graph, op)
    in_zero, out_zero = per_tensor(op, graph.input(op, 0))[1], per_tensor(op, graph.output(op))[1]
    low, high = RANGES[graph.output(op).dtype]
    return lut_code(graph, op, lambda q: min(high, max(low, requantized(q - in_zero, multiplier, shift, out_zero))))


def emit_integers(graph: Graph, op: Op) -> LayerCode:
    """Wider integers."""
    x, y = graph.input(op, 0), graph.output(op)
    if y.dtype not in TO.get(x.dtype, ()):
        raise unsupported(op, f"QUANTIZE of {x.dtype} to {y.dtype} is not supported", AGAIN)
    zero_points = per_tensor(op, x)[1], per_tensor(op, y)[1]
    return requantize_code(x, y, _ratio(graph, op), RANGES32[y.dtype], zero_points)


def emit_float(graph: Graph, op: Op) -> LayerCode:
    """A division in float. Values beyond the range saturate and NaN gives the lowest, where TFLM leaves it open."""
    x, y = graph.input(op, 0), graph.output(op)
    if y.dtype not in TO_FROM_FLOAT:
        raise unsupported(op, f"QUANTIZE of {x.dtype} to {y.dtype} is not supported", AGAIN)
    scale, zero_point = per_tensor(op, y)
    low, high = RANGES[y.dtype]
    return LayerCode(
        function=f"tg_quantize_f32_{SHORT[y.dtype]}",
        struct="tg_quantize_params",
        params=(
            ("count", x.size),
            ("scale", float32_bits(scale)),
            ("zero_point", zero_point),
            ("low", low),
            ("high", high),
        ),
        args=(In(), Out()),
    )


OPERATOR = Operator(
    kind="QUANTIZE",
    resolver="AddQuantize",
    shapes=shapes,
    kernels=(
        Kernel("lut_s8", "lut.h", emit_table, dtypes=("int8", "uint8"), supports=is_table, converts=True),
        Kernel("requantize", "requantize.h", emit_integers, dtypes=("int8", "int16", "int32"), converts=True),
        Kernel("quantize_f32", "quantize.h", emit_float, dtypes=("float32",), converts=True),
    ),
)
