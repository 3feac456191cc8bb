"""What a model is for (classes, one yes or no, or numbers) and the metric that it is judged by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import BadInput
from ..objective import Kind, Objective, kind_of, rows_of
from ..quantization_aware import activation_name, unwrapped

Array = npt.NDArray[Any]
_EPSILON = 1e-7


@dataclass(frozen=True)
class Task:
    """`activated`: the model's output is a probability already (softmax, sigmoid), not a logit.

    `shape` is the output's, without the samples; `objective` what [train] says of loss and metric.
    """

    kind: Kind
    outputs: int
    activated: bool
    shape: tuple[int, ...] = ()
    objective: Objective = field(default_factory=Objective)

    @property
    def metric(self) -> str:
        """The name of what `score` gives."""
        return self.objective.metric_of(self.kind)

    @property
    def less_is_better(self) -> bool:
        """The direction of what `score` gives."""
        return self.objective.is_less_better(self.kind)

    def score(self, outputs: Array, y: Array) -> float:
        """The metric of the model's outputs."""
        return self.objective.score(self.kind, outputs, y, 0.5 if self.activated else 0.0)

    def targets(self, y: Array) -> Array:
        """y as rows of floats: one-hot for classes."""
        return rows_of(self.kind, y, self.outputs).astype(np.float32)

    def logits(self, outputs: Any) -> Any:
        """The model's outputs as logits, in TensorFlow; of a softmax its logarithm, the same up to a constant."""
        import tensorflow as tf

        outputs = tf.reshape(outputs, (-1, self.outputs))
        if self.kind == "numbers" or not self.activated:
            return outputs
        p = tf.clip_by_value(outputs, _EPSILON, 1.0 - _EPSILON)
        return tf.math.log(p) if self.kind == "classes" else tf.math.log(p) - tf.math.log1p(-p)

    def outputs_of(self, logits: Any) -> Any:
        """The way back, in TensorFlow: what the model gives, from `logits`."""
        import tensorflow as tf

        if self.kind == "numbers" or not self.activated:
            return logits
        return tf.nn.softmax(logits) if self.kind == "classes" else tf.sigmoid(logits)


def task_of(model: Any, y: Array, where: str, objective: Objective | None = None) -> Task:
    """Read from the targets and the model's output: integer y of one value a sample and several outputs are classes.

    Raises BadInput where y, or what the objective names, does not fit the model.
    """
    objective = objective or Objective()
    outputs = int(np.prod([d or 1 for d in model.output_shape[1:]])) if isinstance(model.output_shape, tuple) else 0
    if outputs == 0:
        raise BadInput(
            "The model has several outputs: it can be quantized, not compressed.", "Compress it with one output."
        )
    shape = tuple(int(d or 1) for d in model.output_shape[1:])
    last, kind = _last_activation(model), kind_of(y, outputs)
    if kind == "classes" and (y.min() < 0 or y.max() >= outputs):
        raise BadInput(f"{where}: classes from {y.min()} to {y.max()}, but the model has {outputs} outputs.")
    values = int(np.prod(y.shape[1:]))
    if kind != "classes" and values != outputs:
        raise BadInput(
            f"{where}: y has {values} values a sample, the model {outputs} outputs.",
            "Classes are one integer a sample; numbers have the output's shape.",
        )
    objective.require_suits(kind, outputs, where)
    activated = kind == "numbers" or last == ("softmax" if kind == "classes" else "sigmoid")
    return Task(kind, outputs, activated, shape, objective)


def _last_activation(model: Any) -> str:
    """The function that the model's output comes from, through Flatten, Reshape and nested models."""
    tensor = model.output
    while type(unwrapped(layer := tensor._keras_history.layer)).__name__ in ("Flatten", "Reshape", "Dropout"):
        tensor = layer.get_input_at(tensor._keras_history.node_index)
    if hasattr(layer, "layers"):
        return _last_activation(layer)
    return "softmax" if type(unwrapped(layer)).__name__ == "Softmax" else activation_name(layer)
