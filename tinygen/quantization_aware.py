"""Keras models that were trained quantization-aware: opened, and seen through tfmot's wrappers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_WRAPPERS = frozenset({"QuantizeWrapper", "QuantizeWrapperV2"})
#: Variables of a wrapper that are no parameters of the model: ranges and a counter.
_RANGES = ("_min:0", "_max:0", "optimizer_step:0")


def open_keras(path: str | Path) -> Any:
    """A tf_keras model from a file that was checked, with tfmot's classes where its layers are wrapped in them."""
    import tf_keras

    if not _mentions_wrappers(Path(path)):
        return tf_keras.models.load_model(path, compile=False)
    import tensorflow_model_optimization as tfmot

    with tfmot.quantization.keras.quantize_scope():
        return tf_keras.models.load_model(path, compile=False)


def is_quantization_aware(model: Any) -> bool:
    """Whether a layer of the model is wrapped, so that the model carries the ranges that it learned."""
    return any(type(layer).__name__ in _WRAPPERS for layer in model.layers)


def unwrapped(layer: Any) -> Any:
    """The layer that a wrapper holds; any other layer itself."""
    return layer.layer if type(layer).__name__ in _WRAPPERS else layer


def activation_name(layer: Any) -> str:
    """The name of a layer's activation function, through wrappers; "" where it has none."""
    function = getattr(unwrapped(layer), "activation", None)
    function = getattr(function, "activation", function)
    return str(getattr(function, "__name__", ""))


def count_parameters(model: Any) -> int:
    """The parameters that are deployed: a wrapper's ranges do not count."""
    wrapped = is_quantization_aware(model)
    weights = [w for w in model.weights if not (wrapped and w.name.endswith(_RANGES))]
    return sum(int(w.shape.num_elements()) for w in weights)


def _mentions_wrappers(path: Path) -> bool:
    import h5py

    if path.is_dir() or not h5py.is_hdf5(path):
        return False
    with h5py.File(path, "r") as file:
        config = file.attrs.get("model_config", "")
        text = config.decode("utf-8", "replace") if isinstance(config, bytes) else str(config)
    return '"QuantizeWrapper' in text
