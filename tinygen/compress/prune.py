"""Magnitude pruning: the smallest weights become zero while the model trains on; the zeros stay in the int8 model.

Zhu and Gupta, "To prune, or not to prune", 2017; done by tensorflow-model-optimization.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import Field

from ..errors import BadInput
from ._kernels import check_skip, copied
from .registry import TrainOptions
from .training import Context, TrainingData, train


class Settings(TrainOptions):
    """`sparsity` is the share of zeros at the end in each pruned layer's weights.

    `schedule` "polynomial" rises to it over the first three quarters of the steps, "constant" holds it from the start;
    `skip` names layers that are left alone.
    """

    epochs: int = Field(20, gt=0)
    sparsity: float = Field(gt=0, lt=1)
    initial_sparsity: float = Field(0.0, ge=0, lt=1)
    schedule: Literal["polynomial", "constant"] = "polynomial"
    skip: tuple[str, ...] = ()


def apply(model: Any, data: TrainingData, options: Settings, context: Context) -> tuple[Any, dict[str, Any]]:
    """The pruned model without pruning's wrappers; depthwise and normalization layers stay as they are."""
    import tensorflow_model_optimization as tfmot

    sparsity = tfmot.sparsity.keras
    check_skip(model, options.skip, "prune")
    steps = options.epochs * int(np.ceil(len(data.x) / min(options.batch_size, len(data.x))))
    ramp = max(1, steps * 3 // 4)
    pruned: list[str] = []

    def schedule() -> Any:
        if options.schedule == "constant":
            return sparsity.ConstantSparsity(options.sparsity, begin_step=0, frequency=max(1, steps // 100))
        start = min(options.initial_sparsity, options.sparsity)
        return sparsity.PolynomialDecay(start, options.sparsity, 0, ramp, frequency=max(1, ramp // 50))

    def wrap(layer: Any) -> Any:
        if hasattr(layer, "layers"):
            return _clone(layer, wrap)
        if layer.name in options.skip or not _prunable(layer):
            return layer
        pruned.append(layer.name)
        return sparsity.prune_low_magnitude(layer, pruning_schedule=schedule())

    wrapped = _clone(copied(model), wrap)
    if not pruned:
        raise BadInput("prune: the model has no layer that can be pruned.", "Dense and convolution layers can.")
    facts = train(
        wrapped, data, options, context, task=context.task, callbacks=[sparsity.UpdatePruningStep()], label="prune"
    )
    return sparsity.strip_pruning(wrapped), {**facts, "pruned_layers": pruned}


def _clone(model: Any, wrap: Any) -> Any:
    import tf_keras

    return tf_keras.models.clone_model(model, clone_function=wrap)


def _prunable(layer: Any) -> bool:
    from tensorflow_model_optimization.python.core.sparsity.keras.prune_registry import PruneRegistry

    return bool(PruneRegistry.supports(layer)) and any(w.shape.rank >= 2 for w in layer.trainable_weights)
