"""Layers of two operands, broadcast, as calls of viper kernels: the first operand lies in the arena."""

from __future__ import annotations

import numpy as np

from .viper_loops import two_loops
from .viper_places import Viewed
from .viper_sums import put_fields
from .viper_words import HALF, SIGN, Call, call, scale_row


def add(layer: Viewed) -> list[Call]:
    """Two operands brought to one scale."""
    p, order = layer.params, _order(layer)
    rows = [(p[f"input{i}_multiplier"], p[f"input{i}_shift"]) for i in order]
    shares = b"".join(scale_row(m, 0, 0)[:4] + int(right).to_bytes(2, "little") for m, right in rows)
    out = scale_row(p["output_multiplier"], -p["output_shift"], HALF)
    down, swapped = p["input2_sign"] < 0, order == (2, 1)
    signs = {"first_down": int(down and swapped), "second_down": int(down and not swapped)}
    return [_binary(layer, "add", signs | _zeros(layer) | put_fields(p), scales=shares + out)]


def mul(layer: Viewed) -> list[Call]:
    """Two operands multiplied."""
    p = layer.params
    scales = scale_row(p["output_multiplier"], p["output_shift"], 1 << 16)
    return [_binary(layer, "mul", _zeros(layer) | put_fields(p), scales=scales)]


def extreme(layer: Viewed) -> list[Call]:
    """The larger or smaller of two values, which stand to each other as those of the arena."""
    return [_binary(layer, "extreme", {"smaller": int(layer.op.kind == "MINIMUM")})]


def _order(layer: Viewed) -> tuple[int, int]:
    """The operands as the kernel takes them."""
    return (2, 1) if layer.is_constant(0) else (1, 2)


def _zeros(layer: Viewed) -> dict[str, int]:
    first, second = _order(layer)
    p = layer.params
    return {"zero1": SIGN - p[f"input{first}_offset"], "zero2": SIGN - p[f"input{second}_offset"]}


def _binary(layer: Viewed, kernel: str, own: dict[str, int], **tails: bytes) -> Call:
    p, (first, second) = layer.params, _order(layer)
    starts, inner = two_loops(layer.op, p["size"], p[f"stride{first}"], p[f"stride{second}"])
    names = ("outer", "outer_x", "outer_x2", "inner", "inner_x", "inner_x2")
    fields = {"x": layer.place(first - 1), "y": layer.out(), "x2": 0, "count": len(starts)}
    other = layer.turned(second - 1)
    if other is None:
        fields["x2"] = layer.place(second - 1)
    table = np.array(starts, "<u4").tobytes()
    return call(kernel, fields | dict(zip(names, inner)) | own, other, starts=table, **tails)
