"""Layers whose weights are a few values of the whole layer times a gain of each output channel, as training needs them.

An int8 kernel has a scale of its own for each output channel, its largest magnitude over 127: values shared in float
are other integers in every channel. So the gain is taken out first: every channel is divided by its largest magnitude,
its quotients share values from -1 to 1 with both ends among them, and whatever is multiplied to the channel later (the
gain, a folded batch normalization) goes into the scale. The integers are then the same few in the whole layer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
#: The outermost shared values lie here and are clipped to -1 and 1: no gradient moves them.
_OUTSIDE = 1.05
_STEPS = 127


def channel_gains(kernel: Array, per_channel: bool) -> Array:
    """The largest magnitude of each output channel (the last axis), or of the whole kernel for all; 1 for zeros."""
    largest = np.abs(kernel).reshape(-1, kernel.shape[-1]).max(axis=0)
    largest = largest if per_channel else np.full_like(largest, largest.max())
    return np.where(largest > 0, largest, 1.0).astype(np.float32)


def weighted_centroids(values: Array, weights: Array, n: int, zero: bool) -> Array:
    """n values from -1 to 1 for which the sum of weights * (value - nearest)² is small (Lloyd's algorithm).

    The ends are -1 and 1, one is 0 where `zero` is set; the others begin evenly spaced.
    """
    centers = np.linspace(-1.0, 1.0, n)
    fixed = np.zeros(n, bool)
    fixed[[0, -1]] = True
    if zero:
        middle = int(np.abs(centers).argmin())
        centers[middle], fixed[middle] = 0.0, True
    for _ in range(100):
        nearest = np.searchsorted((centers[1:] + centers[:-1]) / 2, values)
        mass = np.bincount(nearest, weights, n)
        means = np.bincount(nearest, weights * values, n) / np.where(mass > 0, mass, 1.0)
        moved = np.where(fixed | (mass == 0), centers, means)
        if np.allclose(moved, centers, atol=1e-7):
            break
        centers = moved
    return centers


def with_gain(layer: Any, attribute: str, gains: Array, train_gains: bool) -> Any:
    """A copy of the layer that computes with clip(kernel, -1, 1) * gain, for tensorflow-model-optimization to wrap."""
    import tensorflow as tf
    from tensorflow_model_optimization.python.core.clustering.keras.clusterable_layer import ClusterableLayer

    base: Any = type(layer)

    def clusterable(self: Any) -> list[tuple[str, Any]]:
        return [(attribute, getattr(self, attribute))]

    def call(self: Any, inputs: Any) -> Any:
        shared = getattr(self, attribute)
        setattr(self, attribute, tf.clip_by_value(shared, -1.0, 1.0) * tf.abs(self.gain))
        outputs = base.call(self, inputs)
        setattr(self, attribute, shared)
        return outputs

    made = type("WithGain", (base, ClusterableLayer), {"get_clusterable_weights": clusterable, "call": call})
    copy: Any = made.from_config(layer.get_config())  # type: ignore[attr-defined]
    copy.build(layer.get_input_shape_at(0))
    copy.set_weights(layer.get_weights())
    kernel = getattr(copy, attribute)
    kernel.assign(kernel / gains)
    copy.gain = copy.add_weight("gain", (len(gains),), initializer="ones", trainable=train_gains)
    copy.gain.assign(gains)
    return copy


def set_centroids(wrapper: Any, attribute: str, centroids: Array, keep_zeros: bool) -> None:
    """Gives a built ClusterWeights wrapper its shared values, the ends beyond -1 and 1; `keep_zeros`: zeros stay."""
    import tensorflow as tf

    values = np.sort(centroids)
    values[0], values[-1] = -_OUTSIDE, _OUTSIDE
    wrapper.cluster_centroids[attribute].assign(values)
    if keep_zeros:
        original = wrapper.original_clusterable_weights[attribute]
        wrapper.zero_idx[attribute] = tf.argmin(tf.abs(wrapper.cluster_centroids[attribute]), axis=-1)
        wrapper.sparsity_masks[attribute] = tf.cast(tf.not_equal(original, 0.0), tf.float32)


def shared_integers(wrapper: Any, attribute: str, per_channel: bool) -> Array:
    """The trained kernel's integers from -127 to 127, few in the layer, an end among them in every channel."""
    wrapper.update_clustered_weights_associations()
    values = np.clip(wrapper.cluster_centroids[attribute].numpy().astype(np.float64), -1.0, 1.0)
    integers = np.rint(_STEPS * values).astype(np.int64)[wrapper.pulling_indices[attribute].numpy()]
    latent = wrapper.original_clusterable_weights[attribute].numpy()
    if attribute in wrapper.sparsity_masks:
        integers = np.where(wrapper.sparsity_masks[attribute].numpy() == 0, 0, integers)
    rows, sizes = integers.reshape(-1, integers.shape[-1]), np.abs(latent).reshape(-1, integers.shape[-1])
    for channel in range(rows.shape[1]) if per_channel else ():
        column = rows[:, channel]
        if column.any() and np.abs(column).max() < _STEPS:
            top = int(np.where(column != 0, sizes[:, channel], -1.0).argmax())
            column[top] = np.sign(column[top]) * _STEPS
    return np.asarray(integers)


def kernel_of(integers: Array, gains: Array) -> Array:
    """The float kernel: integers / 127 times each channel's gain."""
    return (integers * (np.abs(gains).astype(np.float64) / _STEPS)).astype(np.float32)
