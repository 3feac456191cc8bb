"""A plain stack of convolutions: each with batch normalization and ReLU, halved by max pooling in between.

After LeCun et al., "Gradient-Based Learning Applied to Document Recognition", 1998. Width 1 is 8 filters in the first
layer and 16 in all others; `depth` counts the convolutions (3), and none follows one on fewer than 4 places.
"""

from __future__ import annotations

from typing import Any

from ._layers import conv, mean, pool, side

AXES = (2, 3)
FILTERS = 8


def features(x: Any, width: float, depth: int | None, kernel: int) -> Any:
    """The mean over places of the last convolution."""
    filters, blocks = max(1, round(FILTERS * width)), 3 if depth is None else depth
    for i in range(blocks):
        x = conv(x, filters if i == 0 else 2 * filters, kernel)
        if side(x) < 4:
            break
        if i < blocks - 1:
            x = pool(x)
    return mean(x)
