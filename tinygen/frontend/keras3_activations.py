"""Keras 3's activations that Keras 2 lacks or computes differently, as TensorFlow functions behind a layer without one.

Called on a tf_keras tensor, each TensorFlow function is a layer by its name: nothing of ours is saved with the model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def functions() -> dict[str, Callable[[Any], Any]]:
    """Each activation by Keras 3's name, with the defaults that the name alone stands for."""
    import tensorflow as tf

    def hard_sigmoid(x: Any) -> Any:
        return tf.nn.relu6(x + 3.0) * (1 / 6)

    def hard_silu(x: Any) -> Any:
        return x * tf.nn.relu6(x + 3.0) * (1 / 6)

    def glu(x: Any) -> Any:
        half, gate = tf.split(x, 2, axis=-1)
        return half * tf.math.sigmoid(gate)

    def sparse_plus(x: Any) -> Any:
        middle = 0.25 * tf.math.square(x + 1.0)
        return tf.where(x <= -1.0, tf.zeros_like(x), tf.where(x < 1.0, middle, x))

    return {
        "celu": tf.nn.elu,
        "glu": glu,
        "hard_shrink": lambda x: tf.where(tf.math.abs(x) > 0.5, x, tf.zeros_like(x)),
        "hard_sigmoid": hard_sigmoid,
        "hard_silu": hard_silu,
        "hard_swish": hard_silu,
        "hard_tanh": lambda x: tf.clip_by_value(x, -1.0, 1.0),
        "leaky_relu": lambda x: tf.nn.leaky_relu(x, alpha=0.2),
        "log_sigmoid": lambda x: -tf.math.softplus(-x),
        "log_softmax": lambda x: tf.nn.log_softmax(x),
        "relu6": lambda x: tf.nn.relu6(x),
        "soft_shrink": lambda x: tf.nn.relu(x - 0.5) - tf.nn.relu(-x - 0.5),
        "sparse_plus": sparse_plus,
        "sparse_sigmoid": lambda x: tf.clip_by_value(0.5 * (x + 1.0), 0.0, 1.0),
        "squareplus": lambda x: 0.5 * (x + tf.math.sqrt(tf.math.square(x) + 4.0)),
        "tanh_shrink": lambda x: x - tf.math.tanh(x),
    }


#: TensorFlow's names of the functions above, as a saved model names them.
TF_FUNCTIONS = frozenset(
    "__operators__.add __operators__.sub __operators__.mul __operators__.gt __operators__.lt __operators__.le "
    "math.add math.subtract math.multiply math.negative math.abs math.square math.sqrt math.sigmoid math.tanh "
    "math.softplus math.greater math.less math.less_equal nn.relu nn.relu6 nn.elu nn.leaky_relu nn.softmax "
    "nn.log_softmax clip_by_value split where zeros_like".split()
)
