"""Sums and differences of two tensors: both are brought to a common scale with 20 (int8) or 15 (int16) more bits."""

from __future__ import annotations

from dataclasses import dataclass

from ..flatbuffer import Table
from ..graph.ir import Graph, Op
from ._broadcast import broadcast_shape, loops
from ._fixed_point import SHORT, activation_range, checked_multiplier
from .base import In, LayerCode, Out, Shape, bad_layer, per_tensor

LEFT_SHIFT = {"int8": 20, "int16": 15}


@dataclass(frozen=True)
class Fused:
    """The fused activation's code."""

    fused: int


def read(options: Table) -> Fused:
    """AddOptions, SubOptions and MulOptions alike."""
    return Fused(options.int8(0))


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """The broadcast shape."""
    a, b = graph.input(op, 0), graph.input(op, 1)
    if a.dtype != b.dtype:
        raise bad_layer(op, f"operands of type {a.dtype} and {b.dtype}")
    return (broadcast_shape(op, a.shape, b.shape),)


def add_code(graph: Graph, op: Op, sign: int) -> LayerCode:
    """y = a + sign·b, as TFLM's AddFunc and SubFunc: double rounding at the inputs and at the output.

    The ratios of the scales are formed in double, in both.
    """
    a, b, y = graph.input(op, 0), graph.input(op, 1), graph.output(op)
    (scale1, zero1), (scale2, zero2), (scale_y, zero_y) = (per_tensor(op, t) for t in (a, b, y))
    twice_max = 2.0 * max(scale1, scale2)
    ratios = (scale1 / twice_max, scale2 / twice_max, twice_max / ((1 << LEFT_SHIFT[y.dtype]) * scale_y))
    pairs = [checked_multiplier(op, ratio) for ratio in ratios]
    if not all(0.0 < ratio < 1.0 for ratio in ratios) or any(shift > 0 for _, shift in pairs):
        raise bad_layer(op, f"its scales are too far apart: ratios {ratios} must lie between 0 and 1")
    (multiplier1, shift1), (multiplier2, shift2), (multiplier_y, shift_y) = pairs
    low, high = activation_range(op, op.attrs.fused, y)
    return LayerCode(
        function=f"tg_add_{SHORT[y.dtype]}",
        struct="tg_add_params",
        params=(
            *loops(op, a.shape, b.shape),
            ("input1_offset", -zero1),
            ("input2_offset", -zero2),
            ("input1_multiplier", multiplier1),
            ("input2_multiplier", multiplier2),
            ("input1_shift", -shift1),
            ("input2_shift", -shift2),
            ("input2_sign", sign),
            ("output_multiplier", multiplier_y),
            ("output_shift", -shift_y),
            ("output_zero_point", zero_y),
            ("activation_min", low),
            ("activation_max", high),
        ),
        args=(In(0), In(1), Out()),
    )
