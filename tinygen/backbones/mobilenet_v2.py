"""MobileNetV2: inverted residuals with linear bottlenecks.

Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018. Width is the paper's multiplier (1 is 16
to 320 channels between the blocks), of the last 1,280 too, which the paper leaves; `depth` counts the blocks (17).
"""

from __future__ import annotations

from typing import Any

from ._inverted import inverted_residual
from ._layers import channels, conv, first_stride, halving, mean, spread

AXES = (2, 3)
#: (expansion, channels, blocks, whether the first of them halves)
STAGES = ((1, 16, 1, False), (6, 24, 2, True), (6, 32, 3, True), (6, 64, 4, True), (6, 96, 3, False),
          (6, 160, 3, True), (6, 320, 1, False))  # fmt: skip


def features(x: Any, width: float, depth: int | None, kernel: int) -> Any:
    """The mean over places of the last convolution."""
    x = conv(x, channels(32, width), kernel, first_stride(x), top=6)
    blocks = spread([n for _, _, n, _ in STAGES], depth)
    for (expansion, filters, _, halves), count in zip(STAGES, blocks, strict=True):
        for i in range(count):
            stride = halving(x, halves and i == 0)
            x = inverted_residual(x, channels(filters, width), expansion, kernel, stride)
    return mean(conv(x, channels(1280, width), 1, top=6))
