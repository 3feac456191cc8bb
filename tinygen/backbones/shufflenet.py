"""ShuffleNetV2: half of the channels pass a unit as they are, and a shuffle mixes the halves before the next.

Ma et al., "ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design", 2018, whose units need none of
the first version's grouped convolutions, which TensorFlow Lite Micro lacks. Width 1 is 116 to 464 channels between the
units; `depth` counts the units (16).
"""

from __future__ import annotations

from typing import Any

from ._layers import channels, conv, depthwise, first_stride, halving, mean, pool, spread

AXES = (2, 3)
#: (channels, units); the first unit of each halves
STAGES = ((116, 4), (232, 8), (464, 4))


def features(x: Any, width: float, depth: int | None, kernel: int) -> Any:
    """The mean over places of the last convolution."""
    x = conv(x, channels(24, width), kernel, first_stride(x))
    if first_stride(x) == 2:
        x = pool(x, 3, "same")
    blocks = spread([n for _, n in STAGES], depth)
    for (filters, _), count in zip(STAGES, blocks, strict=True):
        half = 2 * max(1, channels(filters, width) // 4)
        for i in range(count):
            x = _widening(x, half, kernel) if i == 0 else _unit(x, half, kernel)
    return mean(conv(x, channels(1024, width), 1))


def _widening(x: Any, half: int, kernel: int) -> Any:
    """A stage's first unit: both branches read all channels, and each gives `half`."""
    import tf_keras

    stride = halving(x)
    left = conv(depthwise(x, kernel, stride, linear=True), half, 1)
    return tf_keras.layers.Concatenate()([left, _branch(x, half, kernel, stride)])


def _unit(x: Any, half: int, kernel: int) -> Any:
    """The halves of the shuffled channels: one as it is, one through the branch."""
    import tf_keras

    left, right = shuffled_halves(x)
    return tf_keras.layers.Concatenate()([left, _branch(right, half, kernel, 1)])


def _branch(x: Any, half: int, kernel: int, stride: int) -> Any:
    return conv(depthwise(conv(x, half, 1), kernel, stride, linear=True), half, 1)


def shuffled_halves(x: Any) -> tuple[Any, Any]:
    """The two halves of the channels of `x` after a shuffle in two groups: 0, n/2, 1, n/2 + 1, …

    A transpose of [places, 2, n/2], then a crop of each half, all of them layers of Keras and plain moves in int8.
    """
    import tf_keras

    layers = tf_keras.layers
    shape = [int(d) for d in x.shape[1:]]
    places, half = 1, shape[-1] // 2
    for size in shape[:-1]:
        places *= size
    x = layers.Permute((1, 3, 2))(layers.Reshape((places, 2, half))(x))
    halves = [layers.Cropping2D(((0, 0), crop))(x) for crop in ((0, half // 2), (half // 2, 0))]
    left, right = (layers.Reshape((*shape[:-1], half))(part) for part in halves)
    return left, right
