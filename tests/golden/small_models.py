"""Three tiny models, written without TensorFlow: one dense layer, a convolutional net, and one of hostile names."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from build_tflite import Node, T, build, const

from tinygen.compiled import Model
from tinygen.project import Preprocess

HOSTILE_LABELS = ('*/ "; rm -rf ~', "??/ trigraph", "line\nbreak\\", "слой 层 😀", "")


def _bytes(*shape: int, step: int = 37) -> npt.NDArray[np.int8]:
    n = int(np.prod(shape))
    return (((step * np.arange(n) + 11) % 255) - 127).astype(np.int8).reshape(shape)


def _q(shape: tuple[int, ...], scale: float, zero: int, name: str) -> T:
    return T(shape, "int8", (scale,), (zero,), name=name)


def _weights(data: npt.NDArray[np.int8], scales: tuple[float, ...], axis: int = 0) -> T:
    return T(data.shape, "int8", scales, axis=axis, data=data)


def _bias(n: int, scales: tuple[float, ...]) -> T:
    return const((np.arange(n) - n // 2) * 100, scales=scales)


def dense() -> Model:
    """[1,8] → fully connected with RELU → [1,4]."""
    tensors = [
        _q((1, 8), 0.5, 3, "x"),
        _weights(_bytes(4, 8), (0.02,)),
        _bias(4, (0.01,)),
        _q((1, 4), 0.25, -128, "y"),
    ]
    node = Node("FULLY_CONNECTED", (0, 1, 2), (3,), "FullyConnectedOptions", {"fusedActivationFunction": 1})
    return Model("dense", build(tensors, [node], [0], [3]))


def conv() -> Model:
    """[1,8,8,2] → 3×3 convolution → depthwise → 1×1 → average pool → softmax, with mean, std and labels."""
    per_channel = (0.01, 0.02, 0.03, 0.04)
    scaled = tuple(0.05 * s for s in per_channel)
    tensors = [
        _q((1, 8, 8, 2), 0.05, 0, "image"),
        _weights(_bytes(4, 3, 3, 2), per_channel),
        _bias(4, scaled),
        _q((1, 4, 4, 4), 0.05, -128, "net/conv1"),
        _weights(_bytes(1, 3, 3, 4, step=29), per_channel, axis=3),
        _bias(4, scaled),
        _q((1, 4, 4, 4), 0.05, -128, "net/depthwise"),
        _weights(_bytes(3, 1, 1, 4, step=53), per_channel[:3]),
        _bias(3, scaled[:3]),
        _q((1, 4, 4, 3), 0.1, 5, "net/pointwise"),
        _q((1, 1, 1, 3), 0.1, 5, "net/pool"),
        const([1, 3]),
        _q((1, 3), 0.1, 5, "net/flatten"),
        _q((1, 3), 1 / 256, -128, "net/softmax"),
    ]
    window: dict[str, Any] = {"padding": 0, "fusedActivationFunction": 3}
    stride = {"strideH": 2, "strideW": 2}
    one = {"strideH": 1, "strideW": 1}
    pool = {"padding": 1, "filterHeight": 4, "filterWidth": 4, **one}
    nodes = [
        Node("CONV_2D", (0, 1, 2), (3,), "Conv2DOptions", {**window, **stride}),
        Node("DEPTHWISE_CONV_2D", (3, 4, 5), (6,), "DepthwiseConv2DOptions", {**window, **one, "depthMultiplier": 1}),
        Node("CONV_2D", (6, 7, 8), (9,), "Conv2DOptions", one),
        Node("AVERAGE_POOL_2D", (9,), (10,), "Pool2DOptions", pool),
        Node("RESHAPE", (10, 11), (12,), "ReshapeOptions", {"newShape": [1, 3]}),
        Node("SOFTMAX", (12,), (13,), "SoftmaxOptions", {"beta": 1.0}),
    ]
    model = build(tensors, nodes, [0], [13])
    return Model("conv", model, "2.1", ("idle", "wave", "tap"), Preprocess(mean=(0.5, -1.25), std=(2.0, 9.81)))


def hostile() -> Model:
    """Two inputs, several outputs, and names that would break C, a comment, a string or a path."""
    tensors = [
        _q((1, 4, 4, 2), 0.05, 4, '"\\x41??/ */'),
        _q((1, 1, 1, 2), 0.02, -7, "int"),
        _q((1, 4, 4, 2), 0.07, -3, '*/ "; rm'),
        _q((1, 4, 4, 2), 0.05, 0, "line\nbreak\r\n#define x"),
        _q((1, 4, 4, 4), 0.07, -3, "same-name"),
        _q((1, 2, 2, 4), 0.07, -3, "same_name"),
        _q((1, 2, 2, 4), 1 / 256, -128, "n" * 1000),
        const([1, 16]),
        _q((1, 16), 0.07, -3, "../../etc/passwd"),
        _q((1, 16), 0.08, 9, "слой 层 😀"),
        _q((1, 2, 2, 4), 0.09, 1, "tg_conv2d"),
        _q((1, 2, 2, 4), 1 / 128, 0, "while"),
    ]
    pool = {"padding": 1, "filterHeight": 2, "filterWidth": 2, "strideH": 2, "strideW": 2}
    nodes = [
        Node("ADD", (0, 1), (2,), "AddOptions"),
        Node("MUL", (0, 2), (3,), "MulOptions"),
        Node("CONCATENATION", (2, 2), (4,), "ConcatenationOptions", {"axis": 3}),
        Node("MAX_POOL_2D", (4,), (5,), "Pool2DOptions", pool),
        Node("LOGISTIC", (5,), (6,)),
        Node("RESHAPE", (5, 7), (8,), "ReshapeOptions", {"newShape": [1, 16]}),
        Node("SUB", (8, 8), (9,), "SubOptions"),
        Node("ADD", (5, 6), (10,), "AddOptions"),
        Node("TANH", (10,), (11,)),
    ]
    return Model("hostile", build(tensors, nodes, [0, 1], [3, 6, 9, 11]), '1.0 */ "\n', HOSTILE_LABELS)


MODELS = {"dense": dense, "conv": conv, "hostile": hostile}
