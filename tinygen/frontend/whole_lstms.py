"""Keras LSTMs in the form of which TensorFlow Lite's converter makes one operator, whatever they were trained with.

It takes an LSTM of tanh and sigmoid with biases; of any other, and of one with dropout, it makes a loop, and it dies of
that loop while it calibrates. What an inference computes stays the same:

1. Dropout acts in training alone and is set to 0.
2. A layer without biases gets biases of 0.
3. A stateful layer need not be told so: the operator keeps its state.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

_WHOLE = {"activation": "tanh", "recurrent_activation": "sigmoid", "unroll": False}
_AT_REST = {"dropout": 0.0, "recurrent_dropout": 0.0, "use_bias": True, "stateful": False}


def with_whole_lstms(model: Any) -> Any:
    """The model with such LSTMs, those inside of wrappers and nested models too; the same model where none changes."""
    import tf_keras

    if not any(_changes(lstm.get_config()) for lstm in _lstms(model)):
        return model
    pairs: list[tuple[Any, Any]] = []

    def copied(layer: Any) -> Any:
        if isinstance(layer, tf_keras.Model):
            return with_whole_lstms(layer)
        config = layer.get_config()
        _put_at_rest(type(layer).__name__, config)
        pairs.append((layer, type(layer).from_config(config)))
        return pairs[-1][1]

    made = tf_keras.models.clone_model(model, clone_function=copied)
    for layer, twin in pairs:
        _copy_weights(layer, twin)
    return made


def _lstms(layer: Any) -> Iterator[Any]:
    """The LSTMs in a layer: itself, those that it wraps, those of a nested model."""
    if type(layer).__name__ == "LSTM":
        yield layer
        return
    both = [layer.forward_layer, layer.backward_layer] if type(layer).__name__ == "Bidirectional" else []
    for part in both or getattr(layer, "layers", None) or [getattr(layer, "layer", None)]:
        if part is not None:
            yield from _lstms(part)


def _changes(config: dict[str, Any]) -> bool:
    """Whether an LSTM of that configuration can be whole, and is not yet."""
    return all(config[key] == value for key, value in _WHOLE.items()) and any(
        config[key] != value for key, value in _AT_REST.items()
    )


def _put_at_rest(kind: str, config: dict[str, Any]) -> None:
    """Changes a layer's configuration, those of wrapped layers too."""
    if kind == "LSTM" and _changes(config):
        config |= _AT_REST
    for key in ("layer", "backward_layer"):
        inner = config.get(key)
        if isinstance(inner, dict) and "class_name" in inner:
            _put_at_rest(inner["class_name"], inner["config"])


def _copy_weights(layer: Any, twin: Any) -> None:
    """The weights; biases that only the twin has are 0."""
    ours, theirs = list(_lstms(layer)), list(_lstms(twin))
    if not ours:
        twin.set_weights(layer.get_weights())
    for one, other in zip(ours, theirs, strict=True):
        values = one.get_weights()
        other.set_weights([*values, *(np.zeros(w.shape, np.float32) for w in other.weights[len(values) :])])
