"""Quantization-aware training: int8's rounding is in the forward pass, and the int8 model takes the ranges learned.

Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", 2018; done
by tensorflow-model-optimization, which folds batch normalization into the layer before it.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from ..errors import BadInput
from ._holds import holding
from ._lift import lift
from ._ranges import annotate, calibrate, give_back, moving_ranges, ranges
from ._rebuild import Twins, rebuild
from .registry import TrainOptions
from .training import Context, TrainingData, predict, train


class Settings(TrainOptions):
    """It has to be the last step: what the model learns of int8 is lost to any other.

    `preserve` keeps the zeros of pruning ("sparsity": PQAT), the shared values of clustering ("clusters": CQAT, one
    weight scale a layer; a layer that takes a batch normalization in has so many values a channel) or "both" (PCQAT).
    `decay` is what an activation's range keeps of itself a step. `alpha` and `temperature` let the recipe's first model
    teach. Layers that tfmot cannot annotate are named; where there are any, int8 takes calibrated ranges as ever.
    """

    LAST: ClassVar[bool] = True

    epochs: int = Field(5, gt=0)
    learning_rate: float = Field(1e-4, gt=0, allow_inf_nan=False)
    preserve: Literal["none", "sparsity", "clusters", "both"] = "none"
    decay: float = Field(0.99, gt=0, lt=1)
    alpha: float = Field(0.0, ge=0, le=1)
    temperature: float = Field(3.0, gt=0, le=100)


def apply(model: Any, data: TrainingData, options: Settings, context: Context) -> tuple[Any, dict[str, Any]]:
    """The model in tfmot's wrappers, or the plain one where not every layer could be wrapped."""
    flat = lift(model)
    try:
        aware, left = annotate(_core(flat), per_tensor=options.preserve in ("clusters", "both"))
    except (ValueError, RuntimeError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise BadInput(f"qat: tfmot cannot annotate the model: {first}", "Leave the step out.") from error
    joined = _after_leading(flat, aware)
    calibrate(joined, data.x[:: max(1, len(data.x) // 1024)])
    kernels = [w for w in joined.trainable_weights if w.shape.rank >= 2]
    callbacks, kept = holding(kernels, options.preserve)
    if options.preserve in ("clusters", "both") and not kept:
        raise BadInput(
            f"qat: preserve = {options.preserve!r}, and no kernel has shared values.",
            "Cluster before, with channel_gains = false: gains of their own make them differ in each channel.",
        )
    zeros = _zeros(kernels)
    teacher = None
    if options.alpha > 0:
        logits = np.asarray(context.task.logits(predict(context.original, data.x)))
        teacher = (logits, options.temperature, options.alpha)
    with moving_ranges(options.decay):
        facts: dict[str, Any] = dict(
            train(joined, data, options, context, task=context.task, teacher=teacher, callbacks=callbacks, label="qat")
        )
    facts |= {"not_aware_layers": left, "ranges": "calibrated" if left else "learned"}
    facts |= {"zeros_before": zeros, "zeros": _zeros(kernels)}
    if kept:
        facts["clusters"] = {name.removesuffix(":0"): count for name, count in kept.items()}
    if left:
        give_back(aware, flat)
        return flat, facts
    return joined, facts | {"activation_ranges": ranges(joined)}


def _zeros(kernels: list[Any]) -> int:
    return sum(int((w.numpy() == 0).sum()) for w in kernels)


def _leading(model: Any) -> tuple[Any, list[Any]]:
    """(the tensor after the model's leading Rescaling and Normalization layers, those layers)."""
    tensor = model.inputs[0]
    layers: list[Any] = []
    while True:
        readers = [n for n in tensor._keras_history.layer._outbound_nodes if n.layer in model.layers]
        if len(readers) != 1 or type(readers[0].layer).__name__ not in ("Rescaling", "Normalization"):
            return tensor, layers
        layers.append(readers[0].layer)
        tensor = readers[0].outputs


def _core(model: Any) -> Any:
    """The model without its leading layers, which the firmware computes in float before it quantizes the input."""
    import tf_keras

    tensor, layers = _leading(model)
    twins = Twins()
    inputs = tf_keras.Input(tensor.shape[1:], name=twins.name(f"{model.inputs[0].name.partition(':')[0]}_quantized"))
    skipped = {id(layer) for layer in layers}

    def call(layer: Any, arguments: Any, keywords: dict[str, Any]) -> Any:
        return arguments[0] if id(layer) in skipped else twins.call(layer, arguments, keywords)

    core = tf_keras.Model(inputs, rebuild(model, [inputs], call)[0], name=model.name)
    twins.fill()
    return core


def _after_leading(model: Any, aware: Any) -> Any:
    """`aware` behind the leading layers of `model`."""
    import tf_keras

    tensor, layers = _leading(model)
    if not layers:
        return aware
    outputs = rebuild(aware, [tensor], lambda layer, arguments, keywords: layer(*arguments, **keywords))
    return tf_keras.Model(model.inputs[0], outputs[0] if isinstance(outputs, list) else outputs, name=model.name)
