"""Products and quotients of two tensors: one multiplier brings the result to the output's scale."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._broadcast import loops
from ._fixed_point import SHORT, activation_range, checked_multiplier
from .base import In, LayerCode, Out, per_tensor, symmetric

#: The largest product that must not overflow when it is shifted; those of int8 wrap.
LARGEST = {"int8": 1, "int16": 1 << 30}


def scaled_code(graph: Graph, op: Op, name: str, ratio: float) -> LayerCode:
    """The call of tg_<name>_<type>; `ratio` of the scales, formed in double, is the real multiplier."""
    a, b, y = graph.input(op, 0), graph.input(op, 1), graph.output(op)
    symmetric(op, a, b, y)
    low, high = activation_range(op, op.attrs.fused, y)
    multiplier, shift = checked_multiplier(op, ratio, LARGEST[y.dtype])
    return LayerCode(
        function=f"tg_{name}_{SHORT[y.dtype]}",
        struct=f"tg_{name}_params",
        params=(
            *loops(op, a.shape, b.shape),
            ("input1_offset", -per_tensor(op, a)[1]),
            ("input2_offset", -per_tensor(op, b)[1]),
            ("output_multiplier", multiplier),
            ("output_shift", shift),
            ("output_zero_point", per_tensor(op, y)[1]),
            ("activation_min", low),
            ("activation_max", high),
        ),
        args=(In(0), In(1), Out()),
    )
