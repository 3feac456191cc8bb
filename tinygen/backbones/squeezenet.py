"""SqueezeNet: fire modules, which squeeze to few channels before they expand by small and by larger convolutions.

Iandola et al., "SqueezeNet: AlexNet-level Accuracy with 50x Fewer Parameters", 2016, pooled as its version 1.1. Width 1
is 128 to 512 channels between the modules; `depth` counts the fire modules (8). The mean comes before the last layer.
"""

from __future__ import annotations

from typing import Any

from ._layers import channels, conv, first_stride, halving, mean, pool, spread

AXES = (2, 3)
#: (channels squeezed to, channels of each expansion, modules, whether a pool comes before the first)
STAGES = ((16, 64, 2, True), (32, 128, 2, True), (48, 192, 2, True), (64, 256, 2, False))


def features(x: Any, width: float, depth: int | None, kernel: int) -> Any:
    """The mean over places of the last fire module."""
    x = conv(x, channels(64, width), kernel, first_stride(x))
    blocks = spread([n for _, _, n, _ in STAGES], depth)
    for (squeezed, expanded, _, pooled), count in zip(STAGES, blocks, strict=True):
        for i in range(count):
            if pooled and i == 0 and halving(x) == 2:
                x = pool(x, 3, "same")
            x = fire(x, channels(squeezed, width), channels(expanded, width), kernel)
    return mean(x)


def fire(x: Any, squeezed: int, expanded: int, kernel: int) -> Any:
    """`squeezed` channels, out of which `expanded` each by a convolution of size 1 and by one of `kernel`."""
    import tf_keras

    x = conv(x, squeezed, 1)
    return tf_keras.layers.Concatenate()([conv(x, expanded, 1), conv(x, expanded, kernel)])
