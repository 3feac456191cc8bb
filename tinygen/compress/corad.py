"""Compactness and distillation in one training: task loss + lambda * compactness + gamma * distillation loss.

The compactness is the group lasso of Yuan and Lin, 2006, on channels as Wen et al., "Learning Structured Sparsity in
Deep Neural Networks", 2016, have it, or the L1 norm; the distillation loss is Hinton's.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from ._kernels import copied
from ._loop import Term, fit
from ._teachers import require_same_ends
from .registry import TrainOptions
from .task import task_of
from .training import Context, TrainingData, hard_loss, predict, soft_loss


class Settings(TrainOptions):
    """The teacher is the recipe's first model; trained is the model as the step before left it, or `student`, a file.

    The loss is labels + `compactness` * R + `gamma` * T^2 * KL(teacher, model), T = `temperature`. With N the number
    of weights in the kernels but the last layer's, `regularizer` "group" is R = sum of sqrt(k) * |w_c|_2 over output
    channels c of k weights, divided by N; "l1" is R = sum of |w| / N. After training what stayed small is zero:
    channels (weights for "l1") whose root mean square is below `cut` of the largest in their layer.
    """

    MODEL_FILES: ClassVar[tuple[str, ...]] = ("student",)

    epochs: int = Field(20, gt=0)
    compactness: float = Field(3.0, ge=0, allow_inf_nan=False)
    gamma: float = Field(0.5, ge=0, allow_inf_nan=False)
    temperature: float = Field(3.0, gt=0, le=100)
    regularizer: Literal["group", "l1"] = "group"
    cut: float = Field(0.05, ge=0, lt=1)
    student: str = ""


def apply(model: Any, data: TrainingData, options: Settings, context: Context) -> tuple[Any, dict[str, Any]]:
    """The trained model with its small channels at zero; it has the shape that it had."""
    import tensorflow as tf

    if options.student:
        compact = context.load(options.student)
        require_same_ends(compact, model, "Student")
    else:
        compact = copied(model)
    task = task_of(compact, data.y, "corad", context.task.objective)
    kernels = [w for w in compact.trainable_weights if w.shape.rank >= 2][:-1]
    logits = np.asarray(context.task.logits(predict(context.original, data.x)))
    temperature = options.temperature
    terms = [
        Term("labels", 1.0, lambda b: tf.reduce_mean(hard_loss(task, b.targets, b.logits))),
        Term("compactness", options.compactness, lambda _: compactness(kernels, options.regularizer)),
        Term("teacher", options.gamma, lambda b: tf.reduce_mean(soft_loss(task, temperature, b.given[0], b.logits))),
    ]
    losses = fit(
        compact,
        data.x,
        task.targets(data.y),
        options,
        context,
        terms,
        logits=task.logits,
        given=[logits],
        label="corad",
    )
    size = round(float(compactness(kernels, options.regularizer)), 6)
    return compact, {**losses, "compactness": size, "zero_channels": _cut(kernels, options)}


def compactness(kernels: list[Any], regularizer: str) -> Any:
    """R of the options' documentation, in TensorFlow; the output channel is a kernel's last axis."""
    import tensorflow as tf

    total = tf.constant(0.0)
    for kernel in kernels:
        if regularizer == "l1":
            total += tf.reduce_sum(tf.abs(kernel))
        else:
            rows = tf.reshape(kernel, (-1, kernel.shape[-1]))
            # The small constant keeps the slope finite at a channel of zeros.
            norms = tf.sqrt(tf.reduce_sum(tf.square(rows), axis=0) + 1e-12)
            total += float(np.sqrt(rows.shape[0])) * tf.reduce_sum(norms)
    return total / max(1, sum(int(kernel.shape.num_elements()) for kernel in kernels))


def _cut(kernels: list[Any], options: Settings) -> dict[str, int]:
    """Sets what stayed small to zero; the channels that are all zero, by kernel."""
    found = {}
    for kernel in kernels:
        value = kernel.numpy()
        rows = value.reshape(-1, value.shape[-1])
        size = np.abs(rows) if options.regularizer == "l1" else np.sqrt((rows**2).mean(axis=0, keepdims=True))
        rows = np.where(size < options.cut * size.max(), 0, rows).astype(np.float32)
        kernel.assign(rows.reshape(value.shape))
        found[kernel.name.removesuffix(":0")] = int((rows == 0).all(axis=0).sum())
    return found
