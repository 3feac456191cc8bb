"""Sliding windows: output extent and leading padding of convolutions and pools, as TensorFlow defines them."""

from __future__ import annotations

from dataclasses import dataclass

from ..graph.ir import Op
from .base import bad_layer

PADDINGS = ("SAME", "VALID")
MAX_REACH = 1 << 20  # keeps every coordinate of the kernels far inside of int32


@dataclass(frozen=True)
class Window:
    """Stride, dilation and padding of a sliding window; `fused` is the fused activation's code.

    `around_h` and `around_w` are rows and columns (before, after) of the input's zero point that the layer sees around
    its input besides: a PAD that was folded into it.
    """

    padding: int
    stride_h: int
    stride_w: int
    fused: int
    dilation_h: int = 1
    dilation_w: int = 1
    around_h: tuple[int, int] = (0, 0)
    around_w: tuple[int, int] = (0, 0)


def check_window(op: Op, window: Window) -> None:
    """Refuses strides, dilations and paddings that no window can have."""
    numbers = (window.stride_h, window.stride_w, window.dilation_h, window.dilation_w)
    if any(not 1 <= n <= 65535 for n in numbers):
        raise bad_layer(op, f"stride and dilation {numbers} must be from 1 to 65535")
    if window.padding not in (0, 1):
        raise bad_layer(op, f"unknown padding {window.padding}")


def extent(
    op: Op, size: int, kernel: int, stride: int, dilation: int, padding: int, around: tuple[int, int] = (0, 0)
) -> tuple[int, int]:
    """(output size, padding before) along one axis, `around` it (before, after) included."""
    size += sum(around)
    reach = (kernel - 1) * dilation + 1
    if reach > MAX_REACH:
        raise bad_layer(op, f"a window that reaches over {reach} values is more than {MAX_REACH}")
    out = -(-size // stride) if padding == 0 else (size + stride - reach) // stride
    if out < 1:
        raise bad_layer(op, f"a window of {reach} does not fit an input of {size}")
    before = max(0, (out - 1) * stride + reach - size) // 2
    return out, before + around[0]
