"""What teachers give: the logits of one or of an ensemble, and the inner features that a student may be led to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from ..errors import BadInput, suggest
from .task import Array, Task
from .training import predict

Average = Literal["logits", "probabilities"]


def taught_logits(
    teachers: Sequence[Any], tasks: Sequence[Task], x: Array, average: Average, temperature: float
) -> Any:
    """The ensemble's logits on `x`, [n, outputs].

    "probabilities" averages the outputs softened by `temperature`: softmax(result / T) is the mean of softmax(z / T).
    Numbers are averaged as they are.
    """
    logits = [np.asarray(task.logits(predict(t, x)), np.float64) for t, task in zip(teachers, tasks, strict=True)]
    if average == "logits" or tasks[0].kind == "numbers" or len(logits) == 1:
        return np.mean(logits, axis=0).astype(np.float32)
    scaled = [z / temperature for z in logits]
    if tasks[0].kind == "binary":
        p = np.clip(np.mean([1 / (1 + np.exp(-z)) for z in scaled], axis=0), 1e-12, 1 - 1e-12)
        return (temperature * (np.log(p) - np.log1p(-p))).astype(np.float32)
    powers = [np.exp(z - z.max(axis=1, keepdims=True)) for z in scaled]
    mean = np.mean([p / p.sum(axis=1, keepdims=True) for p in powers], axis=0)
    return (temperature * np.log(np.maximum(mean, 1e-30))).astype(np.float32)


def require_same_ends(other: Any, model: Any, what: str) -> None:
    """BadInput where two models take or give different shapes."""
    for key in ("input_shape", "output_shape"):
        ours, theirs = getattr(other, key)[1:], getattr(model, key)[1:]
        if ours != theirs:
            told = key.replace("_shape", "")
            raise BadInput(
                f"{what}: its {told} is {list(ours)}, the teacher's {list(theirs)}.", "They must be the same."
            )


def features(model: Any, name: str, whose: str) -> tuple[str, Any]:
    """(the layer, its output): the one named, or what the last Dense layer reads."""
    if name:
        known = [layer.name for layer in model.layers]
        if name not in known:
            raise BadInput(
                f"distill.hint_layers: the {whose} has no layer {name!r}.",
                suggest(name, known) or f"It has {', '.join(known)}.",
            )
        return name, model.get_layer(name).output
    dense = [layer for layer in model.layers if type(layer).__name__ == "Dense"]
    if not dense:
        raise BadInput(f"distill: the {whose} has no Dense layer to take features before.", "hint_layers names two.")
    tensor = dense[-1].input
    return str(tensor._keras_history.layer.name), tensor


def pooled(tensor: Any) -> Any:
    """Features as [n, channels]: a mean over places."""
    import tensorflow as tf

    return tf.reduce_mean(tensor, axis=list(range(1, tensor.shape.rank - 1))) if tensor.shape.rank > 2 else tensor
