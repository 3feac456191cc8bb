"""Callbacks that keep what earlier steps made of the weights while a model trains on: zeros, and shared values.

Weights of one value take one step together, that of their mean, which is the gradient step of the shared value
(Han et al., "Deep Compression", 2016).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

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
