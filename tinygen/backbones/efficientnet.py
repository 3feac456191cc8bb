"""EfficientNet's compound scaling: one number makes the network wider and deeper together.

Tan, Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", 2019. Width 1.1^phi goes with
1.2^phi times the blocks of every stage, unless `depth` gives their number (16 at phi 0). As in its Lite variants ReLU6
takes swish's place and there is no squeeze and excitation, which int8 suffers from; the last 1,280 channels scale too.
"""

from __future__ import annotations

import math
from typing import Any

from ._inverted import inverted_residual
from ._layers import channels, conv, first_stride, halving, mean, spread

AXES = (2, 3)
WIDTH, DEPTH = 1.1, 1.2
#: (expansion, channels, blocks, whether the first of them halves, how much larger the kernel is)
STAGES = ((1, 16, 1, False, 0), (6, 24, 2, True, 0), (6, 40, 2, True, 2), (6, 80, 3, True, 0),
          (6, 112, 3, False, 2), (6, 192, 4, True, 2), (6, 320, 1, False, 0))  # fmt: skip


def compound(phi: float) -> tuple[float, float]:
    """(width, factor of the blocks) of the compound coefficient phi, which may be negative: a smaller network."""
    return WIDTH**phi, DEPTH**phi


def blocks(width: float, depth: int | None) -> list[int]:
    """The blocks of every stage."""
    if depth is not None:
        return spread([n for _, _, n, _, _ in STAGES], depth)
    _, factor = compound(math.log(width) / math.log(WIDTH))
    return [max(1, math.ceil(round(n * factor, 6))) for _, _, n, _, _ in STAGES]


def features(x: Any, width: float, depth: int | None, kernel: int) -> Any:
    """The mean over places of the last convolution."""
    x = conv(x, channels(32, width), kernel, first_stride(x), top=6)
    for (expansion, filters, _, halves, more), count in zip(STAGES, blocks(width, depth), strict=True):
        for i in range(count):
            stride = halving(x, halves and i == 0)
            x = inverted_residual(x, channels(filters, width), expansion, kernel + more, stride)
    return mean(conv(x, channels(1280, width), 1, top=6))
