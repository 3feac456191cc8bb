"""The loss to labels that [train] names: a built-in one, or the user's own function, tried before it trains."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import BadInput
from ..objective import Array
from ..user_entry import failed, imported
from .task import Task

LOSS_FORM = (
    "loss(targets, outputs) takes tensors, a row a sample, and returns one number a sample, or one, in TensorFlow."
)


def named_loss(task: Task, labels: Any, logits: Any) -> Any:
    """One value a sample, of rows of `task.targets` and logits; the model's outputs are compared as it gives them."""
    import tensorflow as tf

    outputs = task.outputs_of(logits)
    if ":" in task.objective.loss:
        return _own_loss(task, labels, outputs)
    gap = tf.abs(labels - outputs)
    if task.objective.loss == "huber":
        gap = tf.where(gap <= 1.0, 0.5 * tf.square(gap), gap - 0.5)
    elif task.objective.loss == "mse":
        gap = tf.square(gap)
    return tf.reduce_mean(gap, axis=-1)


def _own_loss(task: Task, labels: Any, outputs: Any) -> Any:
    import tensorflow as tf

    entry, count = task.objective.loss, tf.shape(outputs)[0]
    shape = (-1, *(task.shape or (task.outputs,)))
    loss = imported(entry, task.objective.folder, LOSS_FORM)
    value = tf.convert_to_tensor(loss(tf.reshape(labels, shape), tf.reshape(outputs, shape)))
    if not value.dtype.is_floating or (value.shape.rank and value.shape[0] not in (None, outputs.shape[0])):
        told = f"{value.dtype.name} of shape {value.shape}"
        raise BadInput(f"{entry}: gives {told} for {outputs.shape[0]} samples, not one number a sample.", LOSS_FORM)
    value = tf.cast(value, tf.float32)
    return tf.fill([count], value) if value.shape.rank == 0 else tf.reduce_mean(tf.reshape(value, [count, -1]), axis=1)


def check_loss(task: Task, outputs: Array, y: Array) -> None:
    """BadInput where the user's own loss fails on the model's outputs: by itself, then as TensorFlow's graph."""
    import tensorflow as tf

    entry, folder = task.objective.loss, task.objective.folder
    if ":" not in entry:
        return
    targets, given = tf.constant(task.targets(y)), task.logits(tf.constant(outputs))

    def both(labels: Any, logits: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(logits)
            value = named_loss(task, labels, logits)
        return value, tape.gradient(value, logits)

    try:
        value, slope = both(targets, given)
        if slope is None:
            raise BadInput(f"{entry}: its value has no gradient in the outputs.", "Compute it with TensorFlow alone.")
        if not (np.isfinite(value.numpy()).all() and np.isfinite(tf.convert_to_tensor(slope).numpy()).all()):
            raise BadInput(
                f"{entry}: its value or its gradient is not finite on the first {len(y)} samples.",
                "Keep logarithms, roots and divisions away from 0.",
            )
        tf.function(both)(targets, given)
    except BadInput:
        raise
    except (Exception, SystemExit) as error:
        raise failed(entry, folder, error) from error
