"""Batch normalization remembers what it saw in training: its moving mean and variance, against those of the data."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...finding import Finding

Array = npt.NDArray[Any]
#: How far the medians over a layer's channels may lie apart; noise and few samples stay well below, 255 is above.
_TIMES, _SHIFT = 8.0, 8.0
_BATCH = 32


def batch_norm_mismatch(model: Any, samples: Array) -> list[Finding]:
    """The first normalization of a live tf_keras model that sees something else than in training."""
    import tf_keras

    for layer in model.layers:
        if type(layer).__name__ != "BatchNormalization" or len(layer.inbound_nodes) != 1:
            continue
        mean, variance = (np.asarray(w, np.float64) for w in (layer.moving_mean, layer.moving_variance))
        if not mean.any() and (variance == 1).all():
            continue  # never trained
        inner = tf_keras.Model(model.inputs, layer.input)
        seen = np.asarray(inner.predict(samples, batch_size=_BATCH, verbose=0), np.float64)
        axis = (
            layer.axis[0] if isinstance(layer.axis, (list, tuple)) or hasattr(layer.axis, "__getitem__") else layer.axis
        )
        seen = np.moveaxis(seen, int(axis), -1).reshape(-1, len(mean))
        return _compared(str(layer.name), mean, np.sqrt(variance), seen.mean(axis=0), seen.std(axis=0))
    return []


def _compared(layer: str, mean: Array, std: Array, seen_mean: Array, seen_std: Array) -> list[Finding]:
    alive = (std > 1e-6) & (seen_std > 0)
    if not alive.any():
        return []
    times = float(np.median(seen_std[alive] / std[alive]))
    shift = float(np.median(np.abs(seen_mean - mean)[alive] / std[alive]))
    hint = (
        "Was the training data normalized (divided by 255, mean and std)? Give the same here, or [input] mean and std."
    )
    if not 1 / _TIMES <= times <= _TIMES:
        text = f"the representative data reaches it {times:.3g} times as wide as what it saw in training."
        return [Finding("batch-norm-mismatch", "warning", layer, times, "times", text, hint)]
    if shift > _SHIFT:
        text = f"the representative data reaches it {shift:.3g} standard deviations away from what it saw in training."
        return [Finding("batch-norm-mismatch", "warning", layer, shift, "standard deviations", text, hint)]
    return []
