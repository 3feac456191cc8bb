"""What each kind of Keras layer does to the channels of its input, and how its weights shrink with them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

#: Layers whose kernel makes new channels: its last two axes are (in, out), or (out, in) where it is transposed.
PRODUCERS = frozenset(("Dense", "Conv1D", "Conv2D", "SeparableConv1D", "SeparableConv2D",
                       "Conv1DTranspose", "Conv2DTranspose"))  # fmt: skip
DEPTHWISE = frozenset(("DepthwiseConv1D", "DepthwiseConv2D"))
MERGES = frozenset(("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"))
_PASSING = frozenset(
    "Activation ReLU LeakyReLU ELU PReLU BatchNormalization Rescaling Dropout SpatialDropout1D SpatialDropout2D "
    "GaussianNoise GaussianDropout ActivityRegularization ZeroPadding1D ZeroPadding2D Cropping1D Cropping2D "
    "UpSampling1D UpSampling2D MaxPooling1D MaxPooling2D AveragePooling1D AveragePooling2D GlobalMaxPooling1D "
    "GlobalMaxPooling2D GlobalAveragePooling1D GlobalAveragePooling2D".split()
)
_ELEMENTWISE = frozenset(
    "linear relu relu6 leaky_relu elu selu sigmoid hard_sigmoid tanh softplus softsign swish silu gelu mish "
    "exponential".split()
)


def kind(layer: Any) -> str:
    """The layer's class."""
    return str(type(layer).__name__)


def other_layout(layer: Any) -> str:
    """Why the layer's channels are not those of the last axis, each by itself; "" where they are."""
    if getattr(layer, "data_format", "channels_last") != "channels_last":
        return f"{layer.name!r} has its channels first"
    if getattr(layer, "groups", 1) != 1:
        return f"{layer.name!r} convolves in groups"
    last = len(layer.get_output_shape_at(0)) - 1 if kind(layer) == "BatchNormalization" else 0
    axes = layer.axis if last and isinstance(layer.axis, (list, tuple)) else [last]
    if any(int(axis) not in (-1, last) for axis in axes):
        return f"{layer.name!r} normalizes another axis than the channels'"
    if kind(layer) == "Rescaling" and (np.size(layer.scale) > 1 or np.size(layer.offset) > 1):
        return f"{layer.name!r} has a factor for each channel"
    return ""


def mixing_activation(layer: Any) -> str:
    """Says of an activation that one channel's result depends on others; "" for the usual ones."""
    name = str(getattr(getattr(layer, "activation", None), "__name__", "linear"))
    return "" if name in _ELEMENTWISE else f"{layer.name!r} computes {name}, over all channels or unknown"


def carried(layer: Any, units: Array, input_shape: tuple[Any, ...], output_shape: tuple[Any, ...]) -> Array | None:
    """The units of the output's channels for a layer of one input that makes none; None: not understood.

    Shapes are without the batch; channels are the last axis, so that flat index = place * channels + channel.
    """
    name = kind(layer)
    if name in _PASSING:
        return units
    if name in DEPTHWISE:
        return np.repeat(units, int(layer.depth_multiplier))
    if name == "Flatten":
        return np.tile(units, int(np.prod(input_shape[:-1], dtype=np.int64)))
    if name == "Reshape" and len(units) == input_shape[-1] == output_shape[-1]:
        return units
    return None


def smaller_config(layer: Any, columns: Array) -> dict[str, Any]:
    """The layer's configuration with the output channels that `columns` (bool) keeps."""
    config: dict[str, Any] = layer.get_config()
    if columns.all():
        return config
    config = {key: value for key, value in config.items() if not key.endswith("_initializer")}
    if kind(layer) in PRODUCERS:
        config["units" if kind(layer) == "Dense" else "filters"] = int(columns.sum())
    if kind(layer) == "Reshape":
        config["target_shape"] = (*layer.target_shape[:-1], int(columns.sum()))
    return config


def smaller_weights(layer: Any, rows: Array, columns: Array) -> list[Array]:
    """The layer's weights without the input channels that `rows` drops and the output channels that `columns` drops."""
    weights = [np.asarray(w) for w in layer.get_weights()]
    name = kind(layer)
    if (rows.all() and columns.all()) or not weights:
        return weights
    if name.startswith("Separable"):
        wide = np.repeat(rows, int(layer.depth_multiplier))
        kernels = [weights[0][..., rows, :], weights[1][..., wide, :][..., columns]]
        return [*kernels, *(w[columns] for w in weights[2:])]
    if name.endswith("Transpose"):
        return [weights[0][..., columns, :][..., rows], *(w[columns] for w in weights[1:])]
    if name in PRODUCERS:
        return [weights[0][..., rows, :][..., columns], *(w[columns] for w in weights[1:])]
    if name in DEPTHWISE:
        return [weights[0][..., rows, :], *(w[columns] for w in weights[1:])]
    return [w[..., columns] if w.shape[-1] == len(columns) else w for w in weights]


def output_norms(layer: Any, order: int) -> Array:
    """The L1 or L2 norm of the weights that make each output channel of a producer."""
    kernel = np.asarray(layer.get_weights()[1 if kind(layer).startswith("Separable") else 0], np.float64)
    if kind(layer).endswith("Transpose"):
        kernel = kernel.swapaxes(-1, -2)
    return np.asarray(np.linalg.norm(kernel.reshape(-1, kernel.shape[-1]), ord=order, axis=0))
