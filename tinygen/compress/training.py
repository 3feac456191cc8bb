"""The one training loop of all techniques: labels, and where it is asked for a teacher's outputs beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import BadInput
from ._losses import named_loss
from .registry import TrainOptions
from .task import Task

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class TrainingData:
    """Model inputs (preprocessed, float32) and targets: what is trained on, and what training is watched with."""

    x: Array
    y: Array
    x_val: Array
    y_val: Array


@dataclass(frozen=True)
class Context:
    """What a technique is given beside model, data and options: the task, the model the recipe began with, a voice.

    `watch` is called with the epochs done and the model that trains; what it raises ends the training.
    """

    task: Task
    original: Any
    seed: int
    progress: Callable[[str], None]
    load: Callable[[str], Any]
    watch: Callable[[int, Any], None] | None = None


def train(
    model: Any,
    data: TrainingData,
    options: TrainOptions,
    context: Context,
    *,
    task: Task,
    teacher: tuple[Array, float, float] | None = None,
    callbacks: Sequence[Any] = (),
    label: str = "train",
) -> dict[str, float]:
    """Fits `model` in place with Adam; returns the last epoch's training and validation loss.

    `teacher` is (its logits on data.x, temperature T, share a): the loss is (1 - a)·labels + a·T²·KL(teacher ‖ model)
    at temperature T (Hinton et al. 2015); for numbers, mean squared errors to both.
    """
    import tf_keras

    targets = task.targets(data.y)
    if teacher is not None:
        targets = np.concatenate([targets, teacher[0].reshape(len(targets), -1)], axis=1).astype(np.float32)
    temperature, share = (teacher[1], teacher[2]) if teacher is not None else (1.0, 0.0)
    optimizer = tf_keras.optimizers.Adam(options.learning_rate)
    model.compile(optimizer=optimizer, loss=_loss(task, temperature, share))
    validation = (
        (data.x_val, _padded(task.targets(data.y_val), targets.shape[1])) if share == 0.0 and len(data.x_val) else None
    )
    speak = _speaker(label, options.epochs, context.progress)
    history = model.fit(
        data.x,
        targets,
        batch_size=min(options.batch_size, len(data.x)),
        epochs=options.epochs,
        validation_data=validation,
        verbose=0,
        shuffle=True,
        callbacks=[*callbacks, speak],
    )
    return require_finite(label, {key: round(float(values[-1]), 6) for key, values in sorted(history.history.items())})


def require_finite(label: str, losses: dict[str, float]) -> dict[str, float]:
    """The losses of the last epoch; BadInput where the training ran away."""
    for name, value in losses.items():
        if not np.isfinite(value):
            raise BadInput(f"{label}: {name} is {value} at the end of the training.", "A smaller learning_rate.")
    return losses


def _padded(targets: Array, width: int) -> Array:
    return np.pad(targets, ((0, 0), (0, width - targets.shape[1])))


def label_loss(task: Task) -> Callable[[Any, Any], Any]:
    """The loss that `train` minimizes without a teacher, one value a sample: of `task.targets` rows and outputs."""
    return _loss(task, 1.0, 0.0)


def _loss(task: Task, temperature: float, share: float) -> Callable[[Any, Any], Any]:
    n = task.outputs

    def loss(targets: Any, outputs: Any) -> Any:
        logits = task.logits(outputs)
        total = (1.0 - share) * hard_loss(task, targets[:, :n], logits)
        return total + share * soft_loss(task, temperature, targets[:, n : 2 * n], logits) if share > 0.0 else total

    return loss


def hard_loss(task: Task, labels: Any, logits: Any) -> Any:
    """The loss to rows of `task.targets`, one value a sample: the one that [train] names, else cross entropy of classes
    and the mean squared error of numbers."""
    import tensorflow as tf

    if task.objective.loss not in ("", "cross_entropy"):
        return named_loss(task, labels, logits)
    if task.kind == "classes":
        return tf.nn.softmax_cross_entropy_with_logits(labels, logits)
    if task.kind == "binary":
        return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels, logits), axis=-1)
    return tf.reduce_mean(tf.square(labels - logits), axis=-1)


def soft_loss(task: Task, temperature: float, teacher: Any, logits: Any) -> Any:
    """T²·KL(teacher ‖ model) at temperature T, one value a sample; of numbers the mean squared error."""
    import tensorflow as tf

    if task.kind == "numbers":
        return tf.reduce_mean(tf.square(teacher - logits), axis=-1)
    scaled, wanted = logits / temperature, teacher / temperature
    if task.kind == "binary":
        p = tf.sigmoid(wanted)
        gap = tf.nn.sigmoid_cross_entropy_with_logits(p, scaled) - tf.nn.sigmoid_cross_entropy_with_logits(p, wanted)
        return temperature**2 * tf.reduce_mean(gap, axis=-1)
    p = tf.nn.softmax(wanted)
    return temperature**2 * tf.reduce_sum(p * (tf.nn.log_softmax(wanted) - tf.nn.log_softmax(scaled)), axis=-1)


def _speaker(label: str, epochs: int, progress: Callable[[str], None]) -> Any:
    import tf_keras

    def tell(epoch: int, logs: dict[str, float]) -> None:
        progress(f"{label}: epoch {epoch + 1}/{epochs}, loss {logs.get('loss', float('nan')):.4f}")

    return tf_keras.callbacks.LambdaCallback(on_epoch_end=tell)


def predict(model: Any, x: Array) -> Array:
    """The model's outputs, in batches of 256."""
    return np.asarray(model.predict(x, batch_size=256, verbose=0))
