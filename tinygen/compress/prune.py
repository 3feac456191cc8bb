"""Magnitude pruning: the smallest weights become zero while the model trains on; the zeros stay in the int8 model.

Han et al., "Learning both Weights and Connections", 2015; the schedule of Zhu and Gupta, "To prune, or not to prune",
2017 (compared by Gale et al., 2019). Done by tensorflow-model-optimization; blocks by tinygen, on its schedules.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from ..errors import BadInput
from ._blocks import block_pruning
from ._kernels import check_skip, copied, large_kernels
from .registry import TrainOptions
from .training import Context, TrainingData, train

Side = Annotated[int, Field(ge=1, le=64)]


class Settings(TrainOptions):
    """`sparsity` is the share of zeros at the end in each pruned layer's weights.

    `schedule` "polynomial" rises to it over the first three quarters of the steps, "constant" holds it from the start.
    `block` [m, n] removes m weights side by side in the rows of n outputs together, by their mean or largest magnitude
    (`block_pooling`); [4, 1] is a block that the sparse kernels use. `skip` names layers that are left alone.
    """

    epochs: int = Field(20, gt=0)
    sparsity: float = Field(gt=0, lt=1)
    initial_sparsity: float = Field(0.0, ge=0, lt=1)
    schedule: Literal["polynomial", "constant"] = "polynomial"
    block: tuple[Side, Side] = (1, 1)
    block_pooling: Literal["average", "max"] = "average"
    skip: tuple[str, ...] = ()


def apply(model: Any, data: TrainingData, options: Settings, context: Context) -> tuple[Any, dict[str, Any]]:
    """The pruned model without pruning's wrappers; depthwise and normalization layers stay as they are."""
    check_skip(model, options.skip, "prune")
    steps = options.epochs * int(np.ceil(len(data.x) / min(options.batch_size, len(data.x))))
    prune = _weights if options.block == (1, 1) else _blocks
    return prune(model, data, options, context, _schedule(options, steps))


def _schedule(options: Settings, steps: int) -> Any:
    """The last change of a polynomial schedule falls on its end, so that the whole sparsity is reached."""
    import tensorflow_model_optimization as tfmot

    if options.schedule == "constant":
        return tfmot.sparsity.keras.ConstantSparsity(options.sparsity, begin_step=0, frequency=max(1, steps // 100))
    ramp = max(1, steps * 3 // 4)
    frequency = max(1, ramp // 50)
    start = min(options.initial_sparsity, options.sparsity)
    end = ramp // frequency * frequency
    return tfmot.sparsity.keras.PolynomialDecay(start, options.sparsity, 0, end, frequency=frequency)


def _weights(
    model: Any, data: TrainingData, options: Settings, context: Context, schedule: Any
) -> tuple[Any, dict[str, Any]]:
    import tensorflow_model_optimization as tfmot

    sparsity, pruned = tfmot.sparsity.keras, []

    def wrap(layer: Any) -> Any:
        if hasattr(layer, "layers"):
            return _clone(layer, wrap)
        if layer.name in options.skip or not _prunable(layer):
            return layer
        pruned.append(layer.name)
        return sparsity.prune_low_magnitude(layer, pruning_schedule=schedule)

    wrapped = _clone(copied(model), wrap)
    _some(pruned)
    callbacks = [sparsity.UpdatePruningStep()]
    facts = train(wrapped, data, options, context, task=context.task, callbacks=callbacks, label="prune")
    return sparsity.strip_pruning(wrapped), {**facts, "pruned_layers": pruned}


def _blocks(
    model: Any, data: TrainingData, options: Settings, context: Context, schedule: Any
) -> tuple[Any, dict[str, Any]]:
    tuned = copied(model)
    found = large_kernels(tuned, options.skip)
    pruned = _some([str(layer.name) for layer, _ in found])
    callback = block_pruning([kernel for _, kernel in found], schedule, options.block, options.block_pooling)
    facts = train(tuned, data, options, context, task=context.task, callbacks=[callback], label="prune")
    return tuned, {**facts, "pruned_layers": pruned}


def _some(pruned: list[str]) -> list[str]:
    if not pruned:
        raise BadInput("prune: the model has no layer that can be pruned.", "Dense and convolution layers can.")
    return pruned


def _clone(model: Any, wrap: Any) -> Any:
    import tf_keras

    return tf_keras.models.clone_model(model, clone_function=wrap)


def _prunable(layer: Any) -> bool:
    from tensorflow_model_optimization.python.core.sparsity.keras.prune_registry import PruneRegistry

    return bool(PruneRegistry.supports(layer)) and any(w.shape.rank >= 2 for w in layer.trainable_weights)
