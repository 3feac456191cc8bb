"""Scratch that TensorFlow Lite Micro's kernels ask of the arena, by operator and by kernel library.

Read in the kernels' Prepare functions: TFLM's own, CMSIS-NN's *_get_buffer_size functions and esp-nn's (1.1 and 1.2,
the larger of the two). Where a size depends on what the graph does not say, the larger one is given: the arena may be
too large, never too small.
"""

from __future__ import annotations

import math
from typing import Any, Literal

from ..boards import BoardProfile
from ..graph.ir import Graph, Op, Tensor
from ..project import Kind
from .tflm_scratch_esp_nn import conv_s3_bytes, depthwise_s3_bytes

#: Which kernels TFLM runs: portable ones, CMSIS-NN (plain, DSP, MVE), esp-nn's C and its vector code for the S3.
Kernels = Literal["reference", "cmsis", "cmsis_dsp", "cmsis_mve", "esp_nn", "esp_nn_s3"]


_MVE_CHANNEL_BLOCK = 124  # CMSIS-NN's CH_IN_BLOCK_MVE


def kernels_of(board: BoardProfile, project: Kind = "platformio") -> Kernels:
    """The kernels that the TFLM library brings to the board; Arduino's has CMSIS-NN in plain C on an ESP32."""
    is_esp32 = board.mcu.lower().startswith("esp32")
    if is_esp32 and project == "arduino":
        return "cmsis"
    if is_esp32:
        return "esp_nn_s3" if "s3" in board.mcu.lower() else "esp_nn"
    if "mve" in board.features:
        return "cmsis_mve"
    if "dsp" in board.features:
        return "cmsis_dsp"
    return "cmsis" if board.core.startswith("cortex-m") else "reference"


def scratch_requests(graph: Graph, op: Op, kernels: Kernels) -> tuple[int, ...]:
    """Bytes of each scratch buffer that the operator asks for, none where it needs none."""
    special = _BY_KIND.get(op.kind)
    sizes = special(graph, op, kernels) if special else ()
    return tuple(n for n in sizes if n > 0)


def _window(graph: Graph, op: Op) -> tuple[Tensor, Tensor, Tensor]:
    return graph.input(op, 0), graph.input(op, 1), graph.output(op)


def _attr(op: Op, name: str, default: int) -> int:
    value: Any = getattr(op.attrs, name, default)
    return int(value)


def _conv(graph: Graph, op: Op, kernels: Kernels) -> tuple[int, ...]:
    x, w, _ = _window(graph, op)
    if len(w.shape) != 4 or len(x.shape) != 4:
        return ()
    _, kernel_h, kernel_w, in_c = w.shape
    taps = kernel_h * kernel_w * in_c
    pointwise = kernel_h == kernel_w == 1
    if x.dtype == "int16":
        return (4 * -(-taps // 4) * 4,) if kernels.startswith("cmsis") else ()
    if kernels in ("cmsis", "cmsis_dsp"):
        return () if pointwise else (4 * -(-taps // 4) * 4,)
    if kernels == "cmsis_mve":
        return () if pointwise else (4 * -(-taps // 16) * 16,)
    if kernels == "esp_nn_s3":
        return (conv_s3_bytes(graph, op),)
    return ()


def _depthwise(graph: Graph, op: Op, kernels: Kernels) -> tuple[int, ...]:
    x, w, y = _window(graph, op)
    if len(w.shape) != 4 or len(x.shape) != 4:
        return ()
    kernel_h, kernel_w, channels = w.shape[1], w.shape[2], x.shape[3]
    taps = kernel_h * kernel_w
    if kernels == "cmsis_dsp":
        same = channels == y.shape[3]
        return (2 * channels * taps,) if same and not _small_window(op, kernel_h, kernel_w) else ()
    if kernels == "cmsis_mve" and channels == y.shape[3]:
        return (4 * _MVE_CHANNEL_BLOCK * taps,)
    if kernels == "cmsis_mve" and channels == 1:
        return (4 * -(-taps // 16) * 16 + taps * y.shape[3],)
    return (depthwise_s3_bytes(graph, op),) if kernels == "esp_nn_s3" else ()


def _small_window(op: Op, kernel_h: int, kernel_w: int) -> bool:
    """CMSIS-NN's own 3×3 kernel, which needs no scratch; dilation goes to the portable one, which needs none either."""
    return kernel_h == kernel_w == 3 or _attr(op, "dilation_h", 1) != 1 or _attr(op, "dilation_w", 1) != 1


def _dense(graph: Graph, op: Op, kernels: Kernels) -> tuple[int, ...]:
    w, y = graph.input(op, 1), graph.output(op)
    if kernels == "cmsis_mve" and w.shape:
        return (4 * w.shape[0], 8 * w.shape[0])
    per_channel = w.quant is not None and w.quant.per_channel
    return (8 * y.shape[-1],) if kernels.startswith("cmsis") and per_channel and y.shape else ()


def _average_pool(graph: Graph, op: Op, kernels: Kernels) -> tuple[int, ...]:
    return (4 * graph.input(op, 0).shape[-1],) if kernels == "cmsis_dsp" else ()


def _softmax(graph: Graph, op: Op, kernels: Kernels) -> tuple[int, ...]:
    return (4 * graph.input(op, 0).shape[-1],) if kernels.startswith("esp_nn") else ()


def _reduce(graph: Graph, op: Op, _kernels: Kernels) -> tuple[int, ...]:
    return (4 * len(graph.input(op, 0).shape), 4 * max(1, graph.input(op, 1).size), 4 * max(1, graph.output(op).size))


def _transpose_conv(graph: Graph, op: Op, kernels: Kernels) -> tuple[int, ...]:
    y, wide = graph.output(op), graph.output(op).dtype == "int16"
    w = graph.input(op, 1)
    reverse = math.prod(w.shape) + 4 * math.prod(w.shape[1:]) if kernels.startswith("cmsis") else 0
    bias = 8 * y.shape[-1] if wide else 0
    return ((8 if wide else 4) * y.size, bias, reverse)


def _svdf(graph: Graph, op: Op, _kernels: Kernels) -> tuple[int, ...]:
    batch, filters, units = graph.input(op, 0).shape[0], graph.input(op, 1).shape[0], graph.output(op).shape[-1]
    return (4 * batch * filters, 4 * batch * units, 4 * filters)


def _lstm(graph: Graph, op: Op, _kernels: Kernels) -> tuple[int, ...]:
    cells = 2 * graph.output(op).shape[-1] * graph.input(op, 0).shape[0]
    return (cells,) * 4


def _wider_inputs(graph: Graph, op: Op, _kernels: Kernels) -> tuple[int, ...]:
    """ADD_N keeps the inputs' addresses and a sum in 32 bits."""
    return (4 * len(op.inputs), 4 * graph.output(op).size)


_BY_KIND = {
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _dense,
    "AVERAGE_POOL_2D": _average_pool,
    "SOFTMAX": _softmax,
    "MEAN": _reduce,
    "SUM": _reduce,
    "REDUCE_MAX": _reduce,
    "REDUCE_MIN": _reduce,
    "REDUCE_ALL": _reduce,
    "TRANSPOSE_CONV": _transpose_conv,
    "SVDF": _svdf,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _lstm,
    "ADD_N": _wider_inputs,
}
