"""The inverted residual of MobileNetV2 and EfficientNet: widen, convolve in depth, narrow, and add the input again."""

from __future__ import annotations

from typing import Any

from ._layers import conv, depthwise


def inverted_residual(x: Any, filters: int, expansion: int, kernel: int, stride: int) -> Any:
    """`filters` channels out of `expansion` times those of `x`; the input is added where the shapes are the same."""
    import tf_keras

    wide, given = int(x.shape[-1]) * expansion, x
    if expansion != 1:
        x = conv(x, wide, 1, top=6)
    x = depthwise(x, kernel, stride, top=6)
    x = conv(x, filters, 1, linear=True)
    return tf_keras.layers.Add()([given, x]) if stride == 1 and int(given.shape[-1]) == filters else x
