"""Students of tinygen's own: a backbone between a teacher's input and its output, both of the teacher's shapes."""

from __future__ import annotations

import math
from typing import Any

from ..backbones import backbone_names, build_backbone
from ..errors import BadInput

#: Plain stacks, whose `width` is a number of filters or units: the backbone of each, and the axes of the input.
_PLAIN = {"auto": ("", 0), "conv1d": ("conv", 2), "conv2d": ("conv", 3), "dense": ("dense", 0)}
#: The filters or units that a plain stack has at a multiplier of 1.
_FILTERS = 8


def student_kinds() -> tuple[str, ...]:
    """Every name of a student that is no file."""
    return tuple(dict.fromkeys((*_PLAIN, *backbone_names())))


def build_student(
    teacher: Any, kind: str, width: int = _FILTERS, multiplier: float = 1.0, depth: int | None = None, kernel: int = 3
) -> Any:
    """An untrained student with the teacher's input and output shapes and last activation.

    A plain stack has `width` times `multiplier` filters or units, any other backbone `multiplier` times its channels.
    The teacher's leading Rescaling and Normalization layers come first, so that both take the same data. "auto" takes
    convolutions over two axes for an input of three, over one for an input of two, dense layers otherwise.
    """
    import tf_keras

    shape, results = tuple(teacher.input_shape[1:]), tuple(teacher.output_shape[1:])
    name, axes = _PLAIN.get(kind, (kind, 0))
    if axes and len(shape) != axes:
        raise BadInput(
            f"Student {kind!r} wants an input of {axes} axes, the teacher's is {list(shape)}.", "Use 'auto'."
        )
    name = name or ("conv" if len(shape) in (2, 3) else "dense")
    if kind in _PLAIN:
        multiplier *= width / _FILTERS
    leading = _leading(teacher)
    copies = [type(layer).from_config(layer.get_config()) for layer in leading]
    made = build_backbone(
        name, shape, math.prod(results), width=multiplier, depth=depth, kernel=kernel, activation=_activation(teacher),
        leading=copies,
    )  # fmt: skip
    outputs = made.output
    if tuple(outputs.shape[1:]) != results:
        outputs = tf_keras.layers.Reshape(results)(outputs)
    student = tf_keras.Model(made.inputs[0], outputs, name="student")
    for theirs, ours in zip(leading, copies, strict=True):
        ours.set_weights(theirs.get_weights())
    return student


def _leading(teacher: Any) -> list[Any]:
    """The Rescaling and Normalization layers that come first in the teacher."""
    found = []
    for layer in teacher.layers:
        if type(layer).__name__ == "InputLayer":
            continue
        if type(layer).__name__ not in ("Rescaling", "Normalization"):
            break
        found.append(layer)
    return found


def _activation(teacher: Any) -> str | None:
    """The teacher's last activation where it is one that a Dense layer has."""
    layer = teacher.output._keras_history.layer
    if type(layer).__name__ == "Softmax":
        return "softmax"
    name = getattr(getattr(layer, "activation", None), "__name__", "linear")
    return name if name in ("softmax", "sigmoid", "tanh", "relu") else None
