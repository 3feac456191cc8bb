"""A stack of dense layers with ReLU, for an input of any shape: a multilayer perceptron.

Rumelhart, Hinton, Williams, "Learning Representations by Back-propagating Errors", 1986. Width 1 is 8 units in the last
hidden layer and 16 in those before; `depth` counts the hidden layers (2). There is no kernel.
"""

from __future__ import annotations

from typing import Any

AXES: tuple[int, ...] = ()
UNITS = 8


def features(x: Any, width: float, depth: int | None, kernel: int) -> Any:
    """The last hidden layer."""
    import tf_keras

    layers = tf_keras.layers
    units, hidden = max(1, round(UNITS * width)), 2 if depth is None else depth
    x = layers.Flatten()(x)
    for i in range(hidden):
        x = layers.Dense(units if i == hidden - 1 else 2 * units, activation="relu")(x)
    return x
