"""ResNet-8: residual blocks of two convolutions, their places halved and channels doubled from block to block.

He et al., "Deep Residual Learning for Image Recognition", 2016, in the form of MLPerf Tiny's image classification
(Banbury et al., 2021). Width 1 is 16, 32 and 64 channels; `depth` counts the residual blocks (3), those past the third
keep the last width.
"""

from __future__ import annotations

from typing import Any

from ._layers import channels, conv, first_stride, halving, mean

AXES = (2, 3)
FILTERS = (16, 32, 64)


def features(x: Any, width: float, depth: int | None, kernel: int) -> Any:
    """The mean over places of the last residual block."""
    x = conv(x, channels(FILTERS[0], width), kernel, first_stride(x))
    for i in range(3 if depth is None else depth):
        stride = halving(x, 0 < i < len(FILTERS))
        x = residual(x, channels(FILTERS[min(i, len(FILTERS) - 1)], width), kernel, stride)
    return mean(x)


def residual(x: Any, filters: int, kernel: int, stride: int) -> Any:
    """Two convolutions beside the input, which a convolution of size 1 brings to their shape where it has another."""
    import tf_keras

    inner = conv(conv(x, filters, kernel, stride), filters, kernel, linear=True)
    if stride != 1 or int(x.shape[-1]) != filters:
        x = conv(x, filters, 1, stride, linear=True)
    return tf_keras.layers.ReLU()(tf_keras.layers.Add()([x, inner]))
