"""DS-CNN: one convolution, then depthwise separable ones of the same width; made for keyword spotting.

Zhang et al., "Hello Edge: Keyword Spotting on Microcontrollers", 2017. Width 1 is the 64 channels of its small model;
`depth` counts the separable blocks (4). Only an input of many places is halved, where the paper halves its first alone.
"""

from __future__ import annotations

from typing import Any

from ._layers import channels, conv, depthwise, first_stride, mean

AXES = (2, 3)


def features(x: Any, width: float, depth: int | None, kernel: int) -> Any:
    """The mean over places of the last block."""
    filters = channels(64, width)
    x = conv(x, filters, kernel, first_stride(x))
    for _ in range(4 if depth is None else depth):
        x = conv(depthwise(x, kernel, first_stride(x)), filters, 1)
    return mean(x)
