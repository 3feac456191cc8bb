"""Scratch of esp-nn's vector kernels for the ESP32-S3: copies of filter and padded input, aligned for 128-bit loads."""

from __future__ import annotations

from ..graph.ir import Graph, Op

_SMALL_INPUT_BYTES = 40 * 1024
_SMALL_TOTAL_BYTES = 48 * 1024


def conv_s3_bytes(graph: Graph, op: Op) -> int:
    """CONV_2D: the larger of what esp-nn 1.1 and 1.2 ask for."""
    x, w, y = graph.input(op, 0), graph.input(op, 1), graph.output(op)
    out_c, kernel_h, kernel_w, in_c = w.shape
    height, width = x.shape[1], x.shape[2]
    if kernel_h == kernel_w == 1:
        wide = _up(in_c, 8)
        return (0 if in_c % 8 == 0 else height * width * wide) + wide * out_c + 16 * wide + 64
    row = kernel_w * in_c
    taps = _up(row * kernel_h, 16)
    gathered = out_c * (taps + 4) + 32 + taps + 64 if row < 16 else 0
    padded = (height + kernel_h - 1) * (width + kernel_w - 1) * in_c
    beyond_h, beyond_w = _beyond(height, y.shape[1], kernel_h), _beyond(width, y.shape[2], kernel_w)
    beyond = (height + beyond_h) * (width + beyond_w) * in_c if beyond_h or beyond_w else 0
    filters = kernel_h * kernel_w * _up(in_c, 16) * out_c + _up(row, 16) * kernel_h * out_c
    return max(gathered, padded + filters + beyond + 64 + 4 * out_c)


def depthwise_s3_bytes(graph: Graph, op: Op) -> int:
    """DEPTHWISE_CONV_2D: esp-nn has a way for each kind of channel count."""
    x, w, y = graph.input(op, 0), graph.input(op, 1), graph.output(op)
    kernel_h, kernel_w, channels = w.shape[1], w.shape[2], x.shape[3]
    height, width, out_h, out_w = x.shape[1], x.shape[2], y.shape[1], y.shape[2]
    taps, pixels = kernel_h * kernel_w, height * width
    multiplier = max(1, y.shape[3] // max(1, channels))
    if multiplier > 1:
        return 2 * (taps * y.shape[3] + pixels * channels) + 32 if multiplier % 4 == 0 else 32
    if channels % 8:
        wide = _up(channels, 8)
        return 2 * taps * wide + 2 * pixels * wide + out_h * out_w * wide + 12 * wide + 64 if channels > 3 else 32
    if taps != 9 or kernel_h != 3:
        whole = 2 * (taps + pixels) * channels
        return whole + 32 if whole <= _SMALL_TOTAL_BYTES else 2 * (taps + width * kernel_h) * channels + 32
    pad_h = max(2, _beyond(height, out_h, 3))
    pad_w = max(2, _beyond(width, out_w, 3))
    wide = _up(channels, 16)
    inside = (height + pad_h) * (width + pad_w) * wide
    around = 9 * wide + (height + 2 + pad_h) * (width + 2 + pad_w) * wide + out_h * out_w * wide + 64
    if channels % 16 == 0:
        strip = (width + pad_w) * 3 * channels
        padded = 9 * channels + 16 + (inside if inside <= _SMALL_INPUT_BYTES else max(strip, 0))
        leading = _leading(op, "stride_h", height, out_h), _leading(op, "stride_w", width, out_w)
        return padded if leading in ((0, 0), (1, 1)) else max(padded, around)
    if channels >= 12:
        return around
    return 2 * (9 + pixels) * channels + 32


def _leading(op: Op, stride: str, size: int, out: int) -> int:
    """Padding before the first row of a window of 3: esp-nn pads on both sides alike, or takes its larger way."""
    step = int(getattr(op.attrs, stride, -(-size // max(1, out))))
    return max(0, (out - 1) * step + 3 - size) // 2


def _beyond(size: int, out: int, kernel: int) -> int:
    """Rows that the last window reaches past the input, by esp-nn's count."""
    stride = -(-size // max(1, out))
    return max(0, out * stride + kernel - 1 - size)


def _up(value: int, alignment: int) -> int:
    return -(-value // alignment) * alignment
