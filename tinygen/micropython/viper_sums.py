"""Layers that multiply and add, as calls of viper kernels: convolutions, matrices and means."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..graph.ir import Array
from .viper_places import Viewed
from .viper_words import HALF, SIGN, Call, biases, call, scale_row

_WINDOW = (
    "batches", "in_h", "in_w", "in_c", "out_h", "out_w", "kernel_h", "kernel_w", "stride_h", "stride_w",
    "dilation_h", "dilation_w", "pad_top", "pad_left",
)  # fmt: skip


def matmul(layer: Viewed) -> list[Call]:
    """Rows times weights, the input's zero point in the bias already; that of the arena's uint8 is added to it."""
    p, weights = layer.params, layer.constants["weights"]
    rows = weights.astype(np.int64)
    bias = [int(b) - SIGN * int(s) for b, s in zip(layer.constants["bias"], rows.sum(axis=1))]
    own = {"rows": p["rows"], "depth": p["depth"], "out_c": p["out_c"]}
    step = 6 * p["channel_step"]
    return [_channels(layer, "matmul", own, rows.reshape(len(rows), -1), bias, step)]


def conv2d(layer: Viewed) -> list[Call]:
    """A window's values times the weights; outside of the image lies the zero point."""
    p, weights = layer.params, layer.constants["weights"]
    rows = weights.astype(np.int64).reshape(p["out_c"], -1)
    zero = SIGN - p["input_offset"]
    bias = [int(b) - zero * int(s) for b, s in zip(layer.constants["bias"], rows.sum(axis=1))]
    own = {name: p[name] for name in (*_WINDOW, "group_c", "group_filters")}
    return [_channels(layer, "conv2d", own | {"in_zero": zero, "depth": rows.shape[1]}, rows, bias, 6)]


def depthwise_conv2d(layer: Viewed) -> list[Call]:
    """Each value minus the zero point times its weight."""
    p, weights = layer.params, layer.constants["weights"]
    rows = weights.astype(np.int64).reshape(-1, weights.shape[-1]).T
    own = {name: p[name] for name in (*_WINDOW, "depth_multiplier")} | {"in_zero": SIGN - p["input_offset"]}
    return [_channels(layer, "depthwise_conv2d", own, rows, [int(b) for b in layer.constants["bias"]], 6)]


def _channels(layer: Viewed, kernel: str, own: dict[str, int], rows: Array, bias: list[int], step: int) -> Call:
    """A layer with a bias and a multiplier for each output channel; `rows` are the weights by channel."""
    reach = [255 * int(m) for m in np.abs(rows).sum(axis=1)]
    bounds = [abs(b) + r + 255 * SIGN * rows.shape[1] for b, r in zip(bias, reach)]
    if step == 0:
        bounds = [max(bounds)]
    pairs = zip(layer.constants["multiplier"], layer.constants["shift"], bounds, strict=True)
    scales = b"".join(scale_row(int(m), int(s), bound) for m, s, bound in pairs)
    fields = layer.ends() | put_fields(layer.params) | own | {"scale_step": step}
    turned = (layer.constants["weights"].view(np.uint8) ^ SIGN).tobytes()
    return call(kernel, fields, turned, bias=biases(bias), scales=scales)


def put_fields(p: dict[str, Any]) -> dict[str, int]:
    """The output's zero point and bounds as the arena's uint8."""
    low, high = p.get("activation_min", -SIGN), p.get("activation_max", SIGN - 1)
    return {"zero": p["output_zero_point"] + SIGN, "low": low + SIGN, "high": high + SIGN, "half": HALF}


def mean(layer: Viewed) -> list[Call]:
    """Sums over axes; what the arena's uint8 has more is taken off at the start."""
    p = layer.params
    count = math.prod(p["reduced"])
    start = p["sum_offset"] - SIGN * count
    scales = scale_row(p["multiplier"], p["shift"], abs(start) + 255 * count)
    names = ("kept", "kept_stride", "reduced", "reduced_stride")
    loops = {f"{name}{i}": n for name in names for i, n in enumerate(p[name])}
    fields = layer.ends() | loops | put_fields(p) | {"start": (start + HALF) % 2**32}
    return [call("mean", fields, scales=scales)]
