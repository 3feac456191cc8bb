"""A dense auto-encoder, which gives back its input through a bottleneck: what it gives back badly is an anomaly.

Hinton, Salakhutdinov, "Reducing the Dimensionality of Data with Neural Networks", 2006; the form is that of Koizumi et
al., "Description and Discussion on DCASE2020 Challenge Task 2", 2020. Width 1 is 128 units a layer and 8 in the
bottleneck; `depth` counts the layers on each side of it (4). There is no kernel.
"""

from __future__ import annotations

from typing import Any

from ._layers import channels

AXES: tuple[int, ...] = ()
SAME_SHAPE = True


def features(x: Any, width: float, depth: int | None, kernel: int) -> Any:
    """The last hidden layer behind the bottleneck."""
    import tf_keras

    layers = tf_keras.layers
    around = [channels(128, width)] * (4 if depth is None else depth)
    x = layers.Flatten()(x)
    for units in (*around, channels(8, width), *around):
        x = layers.Dense(units, use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    return x
