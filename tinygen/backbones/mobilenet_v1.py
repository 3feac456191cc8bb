"""MobileNetV1: depthwise separable convolutions, their channels doubled whenever their places are halved.

Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications", 2017. Width is the
paper's multiplier: 1 is 32 to 1,024 channels, 0.25 is what small boards take. `depth` counts the separable blocks (13).
"""

from __future__ import annotations

from typing import Any

from ._layers import channels, conv, depthwise, first_stride, halving, mean, spread

AXES = (2, 3)
#: (channels, blocks, whether the first of them halves)
STAGES = ((64, 1, False), (128, 2, True), (256, 2, True), (512, 6, True), (1024, 2, True))


def features(x: Any, width: float, depth: int | None, kernel: int) -> Any:
    """The mean over places of the last block."""
    x = conv(x, channels(32, width), kernel, first_stride(x), top=6)
    blocks = spread([n for _, n, _ in STAGES], depth)
    for (filters, _, halves), count in zip(STAGES, blocks, strict=True):
        for i in range(count):
            x = depthwise(x, kernel, halving(x, halves and i == 0), top=6)
            x = conv(x, channels(filters, width), 1, top=6)
    return mean(x)
