"""What the backbones are built of: the same calls make layers over one axis of places, or over two.

A tensor is [n, steps, channels] or [n, height, width, channels]. Batch normalization follows every convolution; the
int8 converter folds it into the weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

#: From this many places on, a first layer halves them: smaller inputs have none to lose.
_LARGE_SIDE = 32


def channels(base: int, width: float) -> int:
    """`base` channels times `width`: a multiple of 4, which the kernels take in one go, from 8 on; never below 1."""
    wanted = base * width
    return max(1, round(wanted)) if wanted < 8 else 4 * round(wanted / 4)


def side(x: Any) -> int:
    """The places of the shortest axis."""
    return min(int(d) for d in x.shape[1:-1])


def halving(x: Any, wanted: bool = True) -> int:
    """The stride of a layer on `x` that may halve its places: 2 where it leaves two of every axis, else 1."""
    return 2 if wanted and side(x) >= 4 else 1


def first_stride(x: Any) -> int:
    """The stride of the first layer: 2 for a large input alone."""
    return 2 if side(x) >= _LARGE_SIDE else 1


def spread(repeats: Sequence[int], depth: int | None) -> list[int]:
    """The blocks of each stage when there are to be `depth` in all: as the stages have them, each at least one.

    Fewer blocks than stages go to the first stages.
    """
    if depth is None:
        return list(repeats)
    if depth <= len(repeats):
        return [1] * depth + [0] * (len(repeats) - depth)
    wanted = [depth * n / sum(repeats) for n in repeats]
    found = [max(1, int(w)) for w in wanted]
    while sum(found) != depth:
        step = 1 if sum(found) < depth else -1
        able = [i for i, n in enumerate(found) if n + step >= 1]
        found[max(able, key=lambda i: step * (wanted[i] - found[i]))] += step
    return found


def conv(x: Any, filters: int, kernel: int, stride: int = 1, top: float | None = None, linear: bool = False) -> Any:
    """Convolution, batch normalization, ReLU (at most `top`; none where `linear`)."""
    import tf_keras

    kind = tf_keras.layers.Conv2D if x.shape.rank == 4 else tf_keras.layers.Conv1D
    x = kind(filters, kernel, strides=stride, padding="same", use_bias=False)(x)
    return _normalized(x, top, linear)


def depthwise(x: Any, kernel: int, stride: int = 1, top: float | None = None, linear: bool = False) -> Any:
    """Depthwise convolution, batch normalization, ReLU (at most `top`; none where `linear`)."""
    import tf_keras

    kind = tf_keras.layers.DepthwiseConv2D if x.shape.rank == 4 else tf_keras.layers.DepthwiseConv1D
    x = kind(kernel, strides=stride, padding="same", use_bias=False)(x)
    return _normalized(x, top, linear)


def _normalized(x: Any, top: float | None, linear: bool) -> Any:
    import tf_keras

    x = tf_keras.layers.BatchNormalization(momentum=0.9)(x)
    return x if linear else tf_keras.layers.ReLU(top)(x)


def pool(x: Any, size: int = 2, padding: str = "valid") -> Any:
    """The greatest of `size` places, at half of them."""
    import tf_keras

    kind = tf_keras.layers.MaxPooling2D if x.shape.rank == 4 else tf_keras.layers.MaxPooling1D
    return kind(size, strides=2, padding=padding)(x)


def mean(x: Any) -> Any:
    """The mean over all places: [n, channels]."""
    import tf_keras

    layers = tf_keras.layers
    return (layers.GlobalAveragePooling2D if x.shape.rank == 4 else layers.GlobalAveragePooling1D)()(x)
