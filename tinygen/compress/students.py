"""Tiny students, built from nothing but a teacher's input and output: convolutional ones or dense ones."""

from __future__ import annotations

from typing import Any, Literal

from ..errors import BadInput

Kind = Literal["auto", "conv1d", "conv2d", "dense"]
KINDS = ("auto", "conv1d", "conv2d", "dense")


def build_student(teacher: Any, kind: Kind, width: int) -> Any:
    """A student with `width` filters in its first layer and the teacher's input and output shapes and last activation.

    The teacher's leading Rescaling and Normalization layers come first, so that both take the same data. "auto" takes
    convolutions over two axes for an input of three, over one for an input of two, dense layers otherwise.
    """
    import tf_keras

    layers = tf_keras.layers
    shape = tuple(teacher.input_shape[1:])
    ranks = {"conv2d": 3, "conv1d": 2}
    if kind == "auto":
        kind = {3: "conv2d", 2: "conv1d"}.get(len(shape), "dense")  # type: ignore[assignment]
    if kind in ranks and len(shape) != ranks[kind]:
        raise BadInput(
            f"Student {kind!r} wants an input of {ranks[kind]} axes, the teacher's is {list(shape)}.", "Use 'auto'."
        )
    stack = [*_leading(teacher)]
    if kind == "dense":
        stack += [layers.Flatten(), layers.Dense(2 * width, activation="relu"), layers.Dense(width, activation="relu")]
    else:
        stack += _convolutions(kind, shape, width)
    outputs = 1
    for size in teacher.output_shape[1:]:
        outputs *= int(size)
    stack.append(layers.Dense(outputs, activation=_activation(teacher), name="output"))
    if len(teacher.output_shape) > 2:
        stack.append(layers.Reshape(teacher.output_shape[1:]))
    student = tf_keras.Sequential([tf_keras.Input(shape), *stack], name="student")
    for layer in _leading_pairs(teacher, student):
        layer[1].set_weights(layer[0].get_weights())
    return student


def _convolutions(kind: Kind, shape: tuple[int, ...], width: int) -> list[Any]:
    """Up to three times convolution, batch normalization, ReLU; halved in between while 4 places are left."""
    import tf_keras

    layers = tf_keras.layers
    conv, pool = (layers.Conv2D, layers.MaxPooling2D) if kind == "conv2d" else (layers.Conv1D, layers.MaxPooling1D)
    mean = layers.GlobalAveragePooling2D if kind == "conv2d" else layers.GlobalAveragePooling1D
    side, filters, stack = min(shape[:-1]), width, []
    for i in range(3):
        stack += [conv(filters, 3, padding="same", use_bias=False), layers.BatchNormalization(momentum=0.9)]
        stack.append(layers.ReLU())
        if side < 4:
            break
        if i < 2:
            stack.append(pool(2))
            side, filters = side // 2, filters * 2 if i == 0 else filters
    return [*stack, mean()]


def _leading(teacher: Any) -> list[Any]:
    """Fresh copies of the Rescaling and Normalization layers that come first in the teacher."""
    found = []
    for layer in teacher.layers:
        if type(layer).__name__ == "InputLayer":
            continue
        if type(layer).__name__ not in ("Rescaling", "Normalization"):
            break
        found.append(type(layer).from_config(layer.get_config()))
    return found


def _leading_pairs(teacher: Any, student: Any) -> list[tuple[Any, Any]]:
    names = [layer.name for layer in _leading(teacher)]
    return [(teacher.get_layer(name), student.get_layer(name)) for name in names]


def _activation(teacher: Any) -> str | None:
    """The teacher's last activation where it is one that a Dense layer has."""
    layer = teacher.output._keras_history.layer
    if type(layer).__name__ == "Softmax":
        return "softmax"
    name = getattr(getattr(layer, "activation", None), "__name__", "linear")
    return name if name in ("softmax", "sigmoid", "tanh", "relu") else None
