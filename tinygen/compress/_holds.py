"""Callbacks that keep what earlier steps made of the weights while a model trains on: zeros, and shared values.

Weights of one value take one step together, that of their mean, which is the gradient step of the shared value
(Han et al., "Deep Compression", 2016).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from ..errors import BadInput, suggest

Keep = Literal["none", "sparsity", "clusters", "both"]
#: Weights of more values than this are not clustered.
MOST_CLUSTERS = 256


def holding(kernels: Sequence[Any], keep: Keep) -> tuple[list[Any], dict[str, int]]:
    """(callbacks, values that are kept of each clustered kernel); `kernels` are variables of two axes or more."""
    import tensorflow as tf
    import tf_keras

    groups, masks, counts = [], [], {}
    for kernel in kernels:
        values, codes = np.unique(kernel.numpy(), return_inverse=True)
        if keep in ("clusters", "both") and len(values) <= min(MOST_CLUSTERS, kernel.shape.num_elements() // 2):
            groups.append((kernel, tf.constant(codes.reshape(-1), tf.int32), len(values)))
            counts[kernel.name] = len(values)
        zeros = kernel.numpy() == 0
        if keep in ("sparsity", "both") and zeros.any():
            masks.append((kernel, tf.constant(~zeros, kernel.dtype)))

    def hold() -> None:
        for kernel, codes, count in groups:
            means = tf.math.unsorted_segment_mean(tf.reshape(kernel, [-1]), codes, count)
            kernel.assign(tf.reshape(tf.gather(means, codes), kernel.shape))
        for kernel, mask in masks:
            kernel.assign(kernel * mask)

    if not groups and not masks:
        return [], counts
    held = tf.function(hold)
    return [tf_keras.callbacks.LambdaCallback(on_train_batch_end=lambda *_: held())], counts


def kernels_of(model: Any, skip: Sequence[str], technique: str) -> list[Any]:
    """The trainable weights of two axes or more of the layers that are not skipped."""
    names = list(dict.fromkeys(w.name.split("/")[0] for w in model.trainable_weights))
    for name in skip:
        if name not in names:
            raise BadInput(
                f"{technique}.skip: the model has no layer {name!r} with weights.",
                suggest(name, names) or f"It has {', '.join(names)}.",
            )
    kernels = [w for w in model.trainable_weights if w.shape.rank >= 2 and w.name.split("/")[0] not in skip]
    if not kernels:
        raise BadInput(f"{technique}: the model has no kernel to work on.", "Dense and convolution layers have one.")
    return kernels
