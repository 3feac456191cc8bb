"""Sums and differences of two int8 tensors: both are brought to a common scale with 20 bits to spare."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..flatbuffer import Table
from ..graph.ir import Graph, Op
from ._broadcast import broadcast_shape, loops
from ._fixed_point import activation_range, checked_multiplier
from .base import In, LayerCode, Out, Shape, bad_layer, per_tensor

LEFT_SHIFT = 20


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


def add_code(graph: Graph, op: Op) -> LayerCode:
    """y = a + b; TFLM forms the ratios of the scales in double."""
    (scale1, scale2, scale_y), twice_max = _scales(graph, op)
    output = twice_max / ((1 << LEFT_SHIFT) * scale_y)
    return _code(graph, op, 1, (scale1 / twice_max, scale2 / twice_max, output))


def sub_code(graph: Graph, op: Op) -> LayerCode:
    """y = a - b; TFLM forms the ratios of the scales in float32, unlike those of ADD."""
    scales, _ = _scales(graph, op)
    scale1, scale2, scale_y = (np.float32(scale) for scale in scales)
    with np.errstate(all="ignore"):
        twice_max = np.float32(2) * max(scale1, scale2)
        output = twice_max / (np.float32(1 << LEFT_SHIFT) * scale_y)
        ratios = (float(scale1 / twice_max), float(scale2 / twice_max), float(output))
    return _code(graph, op, -1, ratios)


def _scales(graph: Graph, op: Op) -> tuple[tuple[float, float, float], float]:
    a, b, y = (per_tensor(op, t)[0] for t in (graph.input(op, 0), graph.input(op, 1), graph.output(op)))
    return (a, b, y), 2.0 * max(a, b)


def _code(graph: Graph, op: Op, sign: int, ratios: tuple[float, float, float]) -> LayerCode:
    """y = a + sign·b, as TFLM's AddFunc and SubFunc: double rounding at the inputs and at the output."""
    a, b, y = graph.input(op, 0), graph.input(op, 1), graph.output(op)
    if any(not 0.0 < ratio < 1.0 for ratio in ratios):
        raise bad_layer(op, f"its scales are too far apart: ratios {ratios} must lie between 0 and 1")
    pairs = [checked_multiplier(op, ratio) for ratio in ratios]
    if any(shift > 0 for _, shift in pairs):
        raise bad_layer(op, f"its scales are too far apart: ratios {ratios} must lie between 0 and 1")
    (multiplier1, shift1), (multiplier2, shift2), (multiplier_y, shift_y) = pairs
    (_, zero1), (_, zero2), (_, zero_y) = (per_tensor(op, t) for t in (a, b, y))
    low, high = activation_range(op, op.attrs.fused, y)
    return LayerCode(
        function="tg_add_s8",
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
