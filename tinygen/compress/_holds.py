"""Callbacks that keep what earlier steps made of the weights while a model trains on: zeros, and shared values.

Weights of one value take one step together, that of their mean, which is the gradient step of the shared value
(Han et al., "Deep Compression", 2016). Where they share it but for a gain of their output channel (_shared_values.py),
gains and values take the least squares' steps in turn: the integers of the int8 kernel stay as few.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from ..errors import BadInput, suggest
from ._shared_values import channel_gains

Keep = Literal["none", "sparsity", "clusters", "both"]
#: Weights of more values than this are not clustered.
MOST_CLUSTERS = 256
_STEPS = 127


def holding(kernels: Sequence[Any], keep: Keep, *, gains: bool = False) -> tuple[list[Any], dict[str, int]]:
    """(callbacks, values that are kept of each clustered kernel); `kernels` are variables of two axes or more.

    With `gains`, values that are shared but for a gain of the output channel are kept, too.
    """
    import tensorflow as tf
    import tf_keras

    holds: list[Callable[[], None]] = []
    snaps: list[Callable[[], None]] = []
    counts = {}
    for kernel in kernels:
        value = kernel.numpy()
        shared = _shared_with_gains(value) if gains and keep in ("clusters", "both") else None
        values, codes = np.unique(value, return_inverse=True)
        if shared is not None and len(shared[0]) < len(values):
            hold, snap = _hold_gains(kernel, *shared, keep_zero=keep == "both")
            holds.append(hold)
            snaps.append(snap)
            counts[kernel.name] = len(shared[0])
        elif keep in ("clusters", "both") and len(values) <= min(MOST_CLUSTERS, value.size // 2):
            holds.append(_hold_values(kernel, codes.reshape(-1), len(values)))
            counts[kernel.name] = len(values)
        if keep in ("sparsity", "both") and (value == 0).any():
            holds.append(_hold_zeros(kernel, value != 0))
    if not holds:
        return [], counts

    @tf.function  # type: ignore[untyped-decorator]
    def held() -> None:
        for hold in holds:
            hold()

    def end(*_: Any) -> None:
        for snap in snaps:
            snap()

    return [tf_keras.callbacks.LambdaCallback(on_train_batch_end=lambda *_: held(), on_train_end=end)], counts


def _hold_zeros(kernel: Any, nonzero: Any) -> Callable[[], None]:
    import tensorflow as tf

    mask = tf.constant(nonzero, kernel.dtype)
    return lambda: kernel.assign(kernel * mask)


def _hold_values(kernel: Any, codes: Any, count: int) -> Callable[[], None]:
    import tensorflow as tf

    places = tf.constant(codes, tf.int32)

    def hold() -> None:
        means = tf.math.unsorted_segment_mean(tf.reshape(kernel, [-1]), places, count)
        kernel.assign(tf.reshape(tf.gather(means, places), kernel.shape))

    return hold


def _shared_with_gains(kernel: Any) -> tuple[Any, Any] | None:
    """(integers, their places) where the kernel is a gain of each output channel times few integers / 127."""
    quotients = _STEPS * kernel.astype(np.float64) / channel_gains(kernel, True)
    integers, codes = np.unique(np.rint(quotients), return_inverse=True)
    fits = np.abs(quotients - np.rint(quotients)).max() < 1e-3 and len(integers) <= min(MOST_CLUSTERS, kernel.size // 2)
    return (integers, codes.reshape(-1)) if fits else None


def _hold_gains(
    kernel: Any, integers: Any, codes: Any, *, keep_zero: bool
) -> tuple[Callable[[], None], Callable[[], None]]:
    """(after a step: least squares' gains, then values; at the end: values to integers / 127)."""
    import tensorflow as tf

    places, channels, count = tf.constant(codes, tf.int32), int(kernel.shape[-1]), len(integers)
    values = tf.Variable(integers / _STEPS, trainable=False, dtype=tf.float32)
    # An end stays: it is the channel's largest, whose size the gain is.
    is_fixed = tf.constant((np.abs(integers) == _STEPS) | ((integers == 0) & keep_zero))
    least = tf.constant(1e-6 * channel_gains(kernel.numpy(), True))

    def fitted() -> Any:
        rows, of_values = tf.reshape(kernel, [-1, channels]), tf.reshape(tf.gather(values, places), [-1, channels])
        squares = tf.reduce_sum(of_values * of_values, axis=0)
        return tf.maximum(tf.math.divide_no_nan(tf.reduce_sum(rows * of_values, axis=0), squares), least)

    def put(gains: Any) -> None:
        rows = tf.reshape(tf.gather(values, places), [-1, channels]) * gains
        kernel.assign(tf.reshape(rows, kernel.shape))

    def hold() -> None:
        gains = fitted()
        rows = tf.reshape(kernel, [-1, channels])
        sums = tf.math.unsorted_segment_sum(tf.reshape(rows * gains, [-1]), places, count)
        mass = tf.math.unsorted_segment_sum(tf.reshape(tf.zeros_like(rows) + gains * gains, [-1]), places, count)
        means = tf.clip_by_value(tf.math.divide_no_nan(sums, mass), -1.0, 1.0)
        values.assign(tf.where(is_fixed, values, means))
        put(gains)

    def snap() -> None:
        gains = fitted()
        values.assign(tf.round(_STEPS * values) / _STEPS)
        put(gains)

    return hold, snap


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
