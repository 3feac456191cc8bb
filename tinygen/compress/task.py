"""What a model is for (classes, one yes or no, or numbers) and the metric that it is judged by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..errors import BadInput
from ..quantization_aware import activation_name, unwrapped

Array = npt.NDArray[Any]
_EPSILON = 1e-7


@dataclass(frozen=True)
class Task:
    """`activated`: the model's output is a probability already (softmax, sigmoid), not a logit."""

    kind: Literal["classes", "binary", "numbers"]
    outputs: int
    activated: bool

    @property
    def metric(self) -> str:
        """The name of what `score` gives: "accuracy" (more is better) or "mse" (less is better)."""
        return "mse" if self.kind == "numbers" else "accuracy"

    def score(self, outputs: Array, y: Array) -> float:
        """Accuracy or mean squared error of the model's outputs."""
        if self.kind == "classes":
            return float((outputs.reshape(len(y), -1).argmax(axis=1) == y).mean())
        if self.kind == "binary":
            return float(((outputs.reshape(-1) > (0.5 if self.activated else 0.0)) == (y.reshape(-1) > 0.5)).mean())
        return float(np.mean((outputs.reshape(len(y), -1) - y.reshape(len(y), -1)) ** 2, dtype=np.float64))

    def targets(self, y: Array) -> Array:
        """y as rows of floats: one-hot for classes."""
        if self.kind == "classes":
            return np.eye(self.outputs, dtype=np.float32)[y.astype(np.int64)]
        return y.reshape(len(y), -1).astype(np.float32)

    def logits(self, outputs: Any) -> Any:
        """The model's outputs as logits, in TensorFlow; of a softmax its logarithm, the same up to a constant."""
        import tensorflow as tf

        outputs = tf.reshape(outputs, (-1, self.outputs))
        if self.kind == "numbers" or not self.activated:
            return outputs
        p = tf.clip_by_value(outputs, _EPSILON, 1.0 - _EPSILON)
        return tf.math.log(p) if self.kind == "classes" else tf.math.log(p) - tf.math.log1p(-p)


def task_of(model: Any, y: Array, where: str) -> Task:
    """Read from the targets and the model's output: integer y of one value a sample and several outputs are classes.

    Raises BadInput where y does not fit the model.
    """
    outputs = int(np.prod([d or 1 for d in model.output_shape[1:]])) if isinstance(model.output_shape, tuple) else 0
    if outputs == 0:
        raise BadInput(
            "The model has several outputs: it can be quantized, not compressed.", "Compress it with one output."
        )
    last = _last_activation(model)
    if y.ndim == 1 and y.dtype.kind in "biu" and outputs > 1:
        if y.min() < 0 or y.max() >= outputs:
            raise BadInput(f"{where}: classes from {y.min()} to {y.max()}, but the model has {outputs} outputs.")
        return Task("classes", outputs, last == "softmax")
    values = int(np.prod(y.shape[1:]))
    if values != outputs:
        raise BadInput(
            f"{where}: y has {values} values a sample, the model {outputs} outputs.",
            "Classes are one integer a sample; numbers have the output's shape.",
        )
    if outputs == 1 and y.dtype.kind in "biu" and set(np.unique(y).tolist()) <= {0, 1}:
        return Task("binary", 1, last == "sigmoid")
    return Task("numbers", outputs, True)


def _last_activation(model: Any) -> str:
    """The function that the model's output comes from, through Flatten, Reshape and nested models."""
    tensor = model.output
    while type(unwrapped(layer := tensor._keras_history.layer)).__name__ in ("Flatten", "Reshape", "Dropout"):
        tensor = layer.get_input_at(tensor._keras_history.node_index)
    if hasattr(layer, "layers"):
        return _last_activation(layer)
    return "softmax" if type(unwrapped(layer)).__name__ == "Softmax" else activation_name(layer)
