"""Takes Rescaling and Normalization off a model's head: as a Preprocess, or into the weights of the next layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..preprocess import compose
from ..project import Preprocess

Array = npt.NDArray[Any]
#: Layers that are linear in their input without a bias of their own in between: their kernel may take a factor in.
_LINEAR = {
    "Dense": "kernel",
    "Conv1D": "kernel",
    "Conv2D": "kernel",
    "DepthwiseConv1D": "depthwise_kernel",
    "DepthwiseConv2D": "depthwise_kernel",
    "SeparableConv1D": "depthwise_kernel",
    "SeparableConv2D": "depthwise_kernel",
}
#: Layers that a scalar factor may be moved across.
_TRANSPARENT = frozenset(
    "Dropout SpatialDropout1D SpatialDropout2D Reshape Flatten Permute ZeroPadding1D ZeroPadding2D Cropping1D "
    "Cropping2D".split()
)


def take_off(model: Any, preprocess: Preprocess | None) -> tuple[Any, Preprocess | None, tuple[str, ...]]:
    """The model without its leading affine layers, what comes before it now, and the names of the layers taken off.

    A layer is taken off while it is the only one that reads its input and works per last axis.
    """
    import tf_keras

    tensor, names = model.inputs[0], []
    while (node := _only_reader(model, tensor)) is not None and (affine := _affine(node.layer)) is not None:
        preprocess = compose(preprocess, *affine)
        names.append(str(node.layer.name))
        tensor = node.outputs
    if not names:
        return model, preprocess, ()
    return tf_keras.Model(tensor, model.outputs, name=model.name), preprocess, tuple(names)


def fold_scale(model: Any, preprocess: Preprocess | None) -> tuple[Any, Preprocess | None, str]:
    """Moves a lone factor (mean 0, one std) into the first linear layer's kernel; the layer's name, "" where it cannot.

    x / std * W = x * (W / std) in real numbers, whatever the padding, and the int8 weights are the same but for their
    scale. A mean is not moved: zero padding would no longer stand for the mean.
    """
    import tf_keras

    if preprocess is None or len(preprocess.std) != 1 or any(preprocess.mean):
        return model, preprocess, ""
    tensor = model.inputs[0]
    while (node := _only_reader(model, tensor)) is not None and type(node.layer).__name__ in _TRANSPARENT:
        tensor = node.outputs
    kernel = _LINEAR.get(type(node.layer).__name__) if node is not None else None
    if node is None or kernel is None:
        return model, preprocess, ""
    layer = node.layer
    copy = tf_keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    variable = getattr(copy.get_layer(layer.name), kernel)
    variable.assign((variable.numpy().astype(np.float64) / preprocess.std[0]).astype(np.float32))
    return copy, None, str(layer.name)


def _only_reader(model: Any, tensor: Any) -> Any:
    """The one call (node) that reads `tensor`, of a layer called once and not the model's end; None otherwise."""
    calls = [n for depth in model._nodes_by_depth.values() for n in depth if type(n.layer).__name__ != "InputLayer"]
    readers = [n for n in calls if any(t is tensor for t in _tensors(n.input_tensors))]
    if len(readers) != 1 or sum(n.layer is readers[0].layer for n in calls) != 1:
        return None
    return None if any(t is readers[0].outputs for t in model.outputs) else readers[0]


def _tensors(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _affine(layer: Any) -> tuple[Array, Array] | None:
    """mean and std of a Rescaling or Normalization that works per last axis in float32; None for anything else."""
    kind = type(layer).__name__
    if kind == "Rescaling":
        scale, offset = np.asarray(layer.scale, np.float64), np.asarray(layer.offset, np.float64)
        mean, std = -offset / np.where(scale == 0, np.nan, scale), 1.0 / np.where(scale == 0, np.nan, scale)
    elif kind == "Normalization" and not layer.get_config().get("invert", False):
        mean = np.asarray(layer.mean, np.float64).squeeze()
        std = np.maximum(np.sqrt(np.asarray(layer.variance, np.float64)), 1e-7).squeeze()
    else:
        return None
    channels = int(layer.get_output_shape_at(0)[-1] or 0)
    fits = all(a.size == 1 or a.shape == (channels,) for a in (mean, std))
    return (mean, std) if fits and np.isfinite(mean).all() and np.isfinite(std).all() else None
