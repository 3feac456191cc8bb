"""Fine-tuning: some more epochs on the labels, with zero weights held at zero and shared values kept shared."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from ._holds import Keep, holding
from ._kernels import copied
from .registry import TrainOptions
from .training import Context, TrainingData, predict, train


class Settings(TrainOptions):
    """`keep_zeros` holds pruned weights at zero; `keep_clusters` lets the weights of a clustered layer go on sharing
    their values, and with them the integers of the int8 layer. `alpha` and `temperature` let the recipe's first model
    teach.
    """

    epochs: int = Field(5, gt=0)
    learning_rate: float = Field(1e-4, gt=0, allow_inf_nan=False)
    keep_zeros: bool = True
    keep_clusters: bool = True
    alpha: float = Field(0.0, ge=0, le=1)
    temperature: float = Field(3.0, gt=0, le=100)


def apply(model: Any, data: TrainingData, options: Settings, context: Context) -> tuple[Any, dict[str, Any]]:
    """The model, trained on in a copy of its own."""
    tuned = copied(model)
    keeps: dict[tuple[bool, bool], Keep] = {(True, True): "both", (True, False): "sparsity", (False, True): "clusters"}
    keep = keeps.get((options.keep_zeros, options.keep_clusters), "none")
    callbacks, kept = holding([w for w in tuned.trainable_weights if w.shape.rank >= 2], keep, gains=True)
    teacher = None
    if options.alpha > 0:
        logits = np.asarray(context.task.logits(predict(context.original, data.x)))
        teacher = (logits, options.temperature, options.alpha)
    facts: dict[str, Any] = {}
    facts |= train(
        tuned, data, options, context, task=context.task, teacher=teacher, callbacks=callbacks, label="finetune"
    )
    if kept:
        facts["clusters"] = {name.removesuffix(":0"): count for name, count in kept.items()}
    return tuned, facts
