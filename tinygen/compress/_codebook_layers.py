"""Dense layers that compute with codebooks, so that training moves codewords and gains while codes stay."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._codebooks import Codebooks

#: Entries that are to stay at -1 and 1 lie here and are clipped: no gradient moves them.
_OUTSIDE = 1.05


def with_codebooks(model: Any, made: dict[str, Codebooks]) -> tuple[Any, dict[str, Any]]:
    """(the model with the named layers in this form, these layers); all others are the model's own."""
    import tf_keras

    replaced: dict[str, Any] = {}

    def wrap(layer: Any) -> Any:
        if hasattr(layer, "layers"):
            return tf_keras.models.clone_model(layer, clone_function=wrap)
        if layer.name in made:
            replaced[str(layer.name)] = _layer(layer, made[layer.name])
        return replaced.get(layer.name, layer)

    wrapped = tf_keras.models.clone_model(model, clone_function=wrap)
    for name, layer in replaced.items():
        books = np.clip(made[name].books, -1, 1)
        layer.books.assign(np.where(made[name].ends, np.sign(books) * _OUTSIDE, books))
        layer.gain.assign(made[name].gains)
    return wrapped, replaced


def take_back(layer: Any, dense: Any, made: Codebooks) -> None:
    """Copies what was trained into the codebooks and the dense layer's bias."""
    made.books = np.clip(layer.books.numpy().astype(np.float64), -1, 1) * _live(made)
    made.gains = np.abs(layer.gain.numpy().astype(np.float64))
    if dense.use_bias:
        dense.bias.assign(layer.bias)


def _live(made: Codebooks) -> Any:
    """1 for each codeword [1, codewords, 1], 0 for one that is to stay zero."""
    return np.array([float(k > 0 or not made.zero) for k in range(made.books.shape[1])])[None, :, None]


def _layer(dense: Any, made: Codebooks) -> Any:
    """A Dense of the same configuration whose kernel is made of `books` and `gain`; its bias starts as the dense's."""
    import tensorflow as tf
    import tf_keras

    spaces, outputs = made.codes.shape
    count, length = made.books.shape[1:]
    live = tf.constant(_live(made), tf.float32)
    places = tf.constant((np.arange(spaces) // made.share * count)[:, None] + made.codes)

    class WithCodebooks(tf_keras.layers.Dense):  # type: ignore[misc]
        """The codes are constants: a codeword's gradient is the sum over the outputs that share it."""

        def build(self, _: Any) -> None:
            self.books = self.add_weight("books", made.books.shape, trainable=dense.trainable)
            self.gain = self.add_weight("gain", (outputs,), trainable=dense.trainable)
            self.bias = None
            if dense.use_bias:
                start = tf_keras.initializers.Constant(dense.bias.numpy())
                self.bias = self.add_weight("bias", (outputs,), initializer=start, trainable=dense.trainable)
            self.built = True

        @property
        def kernel(self) -> Any:
            words = tf.clip_by_value(self.books, -1.0, 1.0) * live
            sub_vectors = tf.transpose(tf.gather(tf.reshape(words, (-1, length)), places), (0, 2, 1))
            return tf.reshape(sub_vectors, (-1, outputs)) * tf.abs(self.gain)

    return WithCodebooks.from_config(dense.get_config())
