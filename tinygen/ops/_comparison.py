"""Comparisons of two tensors, broadcast: int8 by its real values, int32 and bool as they stand."""

from __future__ import annotations

from ..graph.ir import Graph, Op, Tensor
from ._add import shapes
from ._broadcast import LOOPS, loops
from ._fixed_point import quantize_multiplier
from ._ways_out import AGAIN
from .base import In, Kernel, LayerCode, Operator, Out, bad_layer, per_tensor, unsupported

SHORT = {"int8": "s8", "int32": "s32", "bool": "bool"}


def comparison(kind: str, resolver: str, result: tuple[int, int, int], dtypes: tuple[str, ...]) -> Operator:
    """The operator whose result is result[0], [1] or [2] where operand 1 is less than, equal to or above operand 2."""

    def emit(graph: Graph, op: Op) -> LayerCode:
        a, b = graph.input(op, 0), graph.input(op, 1)
        if graph.output(op).dtype != "bool":
            raise unsupported(op, f"a result as {graph.output(op).dtype} is not supported, only as bool", AGAIN)
        (offset1, multiplier1, shift1), (offset2, multiplier2, shift2) = _scaling(op, a), _scaling(op, b)
        return LayerCode(
            function=f"tg_compare_{SHORT[a.dtype]}",
            struct="tg_comparison_params",
            params=(
                *loops(op, a.shape, b.shape),
                ("result", result),
                ("input1_offset", offset1),
                ("input2_offset", offset2),
                ("input1_multiplier", multiplier1),
                ("input2_multiplier", multiplier2),
                ("input1_shift", shift1),
                ("input2_shift", shift2),
            ),
            args=(In(0), In(1), Out()),
        )

    kernel = Kernel("compare", "comparison.h", emit, dtypes=dtypes, converts=True)
    limits = f"at most {LOOPS} loops over dimensions that broadcast alike; int8 scales below 1"
    return Operator(kind=kind, resolver=resolver, shapes=shapes, inputs=(2, 2), kernels=(kernel,), limits=limits)


def _scaling(op: Op, tensor: Tensor) -> tuple[int, int, int]:
    """(offset, multiplier, right shift) that make an int8 operand comparable; TFLM takes scales below 1 alone."""
    if tensor.dtype != "int8":
        return 0, 0, 0
    scale, zero_point = per_tensor(op, tensor)
    multiplier, shift = quantize_multiplier(scale)
    if scale >= 1.0 or shift > 0:
        raise bad_layer(op, f"scale {scale} of {tensor.name!r} is not below 1, beyond which int8 is not compared")
    return -zero_point, multiplier, -shift
