"""Fine-tuning: some more epochs on the labels, with every zero weight held at zero."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from ._kernels import copied, hold_zeros
from .registry import TrainOptions
from .training import Context, TrainingData, predict, train


class Settings(TrainOptions):
    """`keep_zeros` holds pruned weights at zero; `alpha` and `temperature` let the recipe's first model teach."""

    epochs: int = Field(5, gt=0)
    learning_rate: float = Field(1e-4, gt=0, allow_inf_nan=False)
    keep_zeros: bool = True
    alpha: float = Field(0.0, ge=0, le=1)
    temperature: float = Field(3.0, gt=0, le=100)


def apply(model: Any, data: TrainingData, options: Settings, context: Context) -> tuple[Any, dict[str, Any]]:
    """The model, trained on in a copy of its own."""
    tuned = copied(model)
    callbacks = hold_zeros(tuned) if options.keep_zeros else []
    teacher = None
    if options.alpha > 0:
        logits = np.asarray(context.task.logits(predict(context.original, data.x)))
        teacher = (logits, options.temperature, options.alpha)
    facts = train(
        tuned, data, options, context, task=context.task, teacher=teacher, callbacks=callbacks, label="finetune"
    )
    return tuned, facts
