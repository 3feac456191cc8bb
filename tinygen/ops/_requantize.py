"""Integers from one scale and type to another, held to a range: what QUANTIZE and int16 activations share."""

from __future__ import annotations

from ..graph.ir import Tensor
from .base import In, LayerCode, Out

SHORT = {"int8": "s8", "int16": "s16", "int32": "s32"}

#: (multiplier, shift) of a ratio of 1: every value comes out as it went in.
IDENTITY = (1 << 30, 1)


def requantize_code(
    x: Tensor, y: Tensor, ratio: tuple[int, int], bounds: tuple[int, int], zero_points: tuple[int, int] = (0, 0)
) -> LayerCode:
    """The call for y = requantize(x - zero point) + zero point, held to `bounds`."""
    return LayerCode(
        function=f"tg_requantize_{SHORT[x.dtype]}_{SHORT[y.dtype]}",
        struct="tg_requantize_params",
        params=(
            ("count", x.size),
            ("input_offset", -zero_points[0]),
            ("multiplier", ratio[0]),
            ("shift", ratio[1]),
            ("output_zero_point", zero_points[1]),
            ("low", bounds[0]),
            ("high", bounds[1]),
        ),
        args=(In(), Out()),
    )
