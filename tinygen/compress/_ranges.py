"""tfmot's fake quantization on a flat model: which layers take it, ranges that start where the data is, and its end.

Its ranges start at ±6 and move by a thousandth a step, too slowly for the short trainings of small models.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

#: Kinds without weights that tfmot's registry leaves out: their output's range is learned, nothing else is needed.
_OUTPUT_ONLY = frozenset("Subtract Multiply Maximum Minimum Average".split())
_BEFORE_BATCH_NORM = frozenset({"Conv2D", "DepthwiseConv2D", "Dense"})


def annotate(model: Any, per_tensor: bool) -> tuple[Any, list[str]]:
    """(the model with fake quantization, the names of layers that have none); weights are copied.

    `per_tensor` gives convolutions one weight scale a layer, so that equal weights stay equal in int8.
    """
    import tensorflow_model_optimization as tfmot
    import tf_keras
    from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
        default_8bit_quantize_configs as configs,
    )
    from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
        default_8bit_quantize_registry as registry,
    )
    from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
        default_8bit_quantize_scheme as schemes,
    )

    known = registry.Default8BitQuantizeRegistry(disable_per_axis=per_tensor)
    keras = tfmot.quantization.keras
    left: list[str] = []

    def wrap(layer: Any) -> Any:
        if type(layer).__name__ in _OUTPUT_ONLY:
            return keras.quantize_annotate_layer(layer, configs.Default8BitOutputQuantizeConfig())
        if known.supports(layer) or _folds(layer):
            return keras.quantize_annotate_layer(layer)
        left.append(str(layer.name))
        return layer

    annotated = tf_keras.models.clone_model(model, clone_function=wrap)
    scheme = schemes.Default8BitQuantizeScheme(disable_per_axis=per_tensor)
    with keras.quantize_scope():
        return keras.quantize_apply(annotated, scheme=scheme), left


def _folds(layer: Any) -> bool:
    """Whether it is a batch normalization that tfmot folds into the layer before it."""
    if type(layer).__name__ != "BatchNormalization":
        return False
    before = layer.input._keras_history.layer
    linear = getattr(getattr(before, "activation", None), "__name__", "") == "linear"
    return type(before).__name__ in _BEFORE_BATCH_NORM and linear and len(before._outbound_nodes) == 1


@contextmanager
def moving_ranges(decay: float) -> Iterator[None]:
    """Within, activations' ranges keep `decay` of themselves a step: tfmot's own 0.999 cannot be set from outside."""
    from tensorflow_model_optimization.python.core.quantization.keras import quant_ops

    original = quant_ops.MovingAvgQuantize

    def quantize(*arguments: Any, **keywords: Any) -> Any:
        return original(*arguments, **{**keywords, "ema_decay": decay})

    quant_ops.MovingAvgQuantize = quantize
    try:
        yield
    finally:
        quant_ops.MovingAvgQuantize = original


def calibrate(model: Any, x: Any) -> None:
    """Sets every range to what the samples `x` reach; parameters and batch statistics stay as they are."""
    kept = [(w, w.numpy()) for w in model.weights if not w.name.endswith(("_min:0", "_max:0"))]
    with moving_ranges(0.0):
        model(x, training=True)
    for weight, value in kept:
        weight.assign(value)


def ranges(model: Any) -> dict[str, tuple[float, float]]:
    """The learned range of each activation, by the name of its variable without _min."""
    values = {w.name: w.numpy() for w in model.weights if w.shape.rank == 0}
    names = [n.removesuffix("_min:0") for n in values if n.endswith("_min:0") and "kernel" not in n]
    return {name: (float(values[f"{name}_min:0"]), float(values[f"{name}_max:0"])) for name in names}


def give_back(aware: Any, plain: Any) -> None:
    """Copies the parameters that were trained under fake quantization into the model that it was made from."""
    values = {w.name: w for layer in aware.layers for w in layer.weights}
    for weight in plain.weights:
        weight.assign(values[weight.name])
