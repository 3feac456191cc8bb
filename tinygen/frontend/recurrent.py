"""Recurrent Keras layers in a form that TensorFlow Lite's converter takes to int8: LSTMs whole, others unrolled.

The converter makes one operator of an LSTM that has tanh, sigmoid, biases and no dropout. Of every other recurrent
layer it makes a loop, on which its int8 calibration dies. So, without a change to what an inference computes:

1. Dropout, which acts in training alone, is set to 0.
2. An LSTM without biases gets biases of 0; a stateful one need not be told so, its operator always is.
3. What still would be a loop (GRU, SimpleRNN, RNN, LSTMs of other activations) is unrolled.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..errors import BadInput

KINDS = frozenset({"LSTM", "GRU", "SimpleRNN", "RNN"})
_FUSED = {"activation": "tanh", "recurrent_activation": "sigmoid"}


def convertible(model: Any) -> tuple[Any, list[str]]:
    """The model with its recurrent layers so changed, and which were unrolled; the same one where it has none."""
    import tf_keras

    if not any(True for layer in model.layers for _ in _recurrent(layer)):
        return model, []
    pairs: list[tuple[Any, Any]] = []
    told: list[str] = []

    def copied(layer: Any) -> Any:
        if isinstance(layer, tf_keras.Model):
            twin, more = convertible(layer)
            told.extend(more)
            return twin
        config = layer.get_config()
        if any(True for _ in _recurrent(layer)):
            told.extend(_changed(type(layer).__name__, config, layer))
        twin = type(layer).from_config(config)
        pairs.append((layer, twin))
        return twin

    made = tf_keras.models.clone_model(model, clone_function=copied)
    for layer, twin in pairs:
        _copy_weights(layer, twin)
    return made, told


def _recurrent(layer: Any) -> Iterator[Any]:
    """The recurrent layers in a layer: itself, those that it wraps, those of a nested model."""
    if type(layer).__name__ in KINDS:
        yield layer
    elif type(layer).__name__ == "Bidirectional":
        yield from (layer.forward_layer, layer.backward_layer)
    else:
        inner = getattr(layer, "layers", None) or [getattr(layer, "layer", None)]
        for part in inner:
            if part is not None:
                yield from _recurrent(part)


def _changed(kind: str, config: dict[str, Any], layer: Any) -> list[str]:
    """Changes the configuration of a layer, wrapped ones included; says what was unrolled."""
    if kind not in KINDS:
        inner = [config[key] for key in ("layer", "backward_layer") if isinstance(config.get(key), dict)]
        return [line for part in inner for line in _changed(part["class_name"], part["config"], layer)]
    for key in ("dropout", "recurrent_dropout"):
        if key in config:
            config[key] = 0.0
    if config.get("unroll"):
        return []
    if kind == "LSTM" and all(config.get(key) == value for key, value in _FUSED.items()):
        config |= {"use_bias": True, "stateful": False}
        return []
    if config.get("stateful"):
        raise BadInput(f"{layer.name}: a stateful {kind} has no int8 form in TensorFlow Lite.", "Use an LSTM for it.")
    config["unroll"] = True
    return [f"{layer.name}: {kind} is unrolled, step by step, for TensorFlow Lite has no loops in int8."]


def _copy_weights(layer: Any, twin: Any) -> None:
    """The weights; biases that only the twin has are 0."""
    ours, theirs = list(_recurrent(layer)), list(_recurrent(twin))
    if not ours:
        twin.set_weights(layer.get_weights())
    for one, other in zip(ours, theirs, strict=True):
        values = one.get_weights()
        other.set_weights([*values, *(np.zeros(w.shape, np.float32) for w in other.weights[len(values) :])])
