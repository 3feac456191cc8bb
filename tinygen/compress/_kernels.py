"""A model's kernels (weights of two or more axes): found by layer, copied, and their zeros held while it trains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import BadInput, suggest

#: Layers whose large kernel may become sparse or clustered, and that kernel's attribute; its last axis is the output's.
LARGE_KERNELS = {
    "Dense": "kernel",
    "Conv1D": "kernel",
    "Conv2D": "kernel",
    "SeparableConv1D": "pointwise_kernel",
    "SeparableConv2D": "pointwise_kernel",
}


def all_layers(model: Any) -> list[Any]:
    """Every layer, those of nested models too."""
    found = []
    for layer in model.layers:
        found += all_layers(layer) if hasattr(layer, "layers") else [layer]
    return found


def large_kernels(model: Any, skip: Sequence[str] = ()) -> list[tuple[Any, Any]]:
    """(layer, kernel variable) of the layers in LARGE_KERNELS that are not skipped."""
    known = [layer for layer in all_layers(model) if type(layer).__name__ in LARGE_KERNELS and layer.name not in skip]
    return [(layer, getattr(layer, LARGE_KERNELS[type(layer).__name__])) for layer in known]


def check_skip(model: Any, skip: Sequence[str], technique: str) -> None:
    """BadInput where `skip` names a layer that the model does not have."""
    names = [str(layer.name) for layer in all_layers(model)]
    for name in skip:
        if name not in names:
            raise BadInput(
                f"{technique}.skip: the model has no layer {name!r}.",
                suggest(name, names) or f"It has {', '.join(names)}.",
            )


def copied(model: Any) -> Any:
    """The model in variables of its own."""
    import tf_keras

    copy = tf_keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return copy


def hold_zeros(model: Any) -> list[Any]:
    """Callbacks for `train` that put every kernel's zeros of now back after each step; none where there are none."""
    kernels = [(w, (w.numpy() != 0).astype(np.float32)) for w in model.trainable_weights if w.shape.rank >= 2]
    return holding([(weight, mask) for weight, mask in kernels if not mask.all()])


def holding(masks: Sequence[tuple[Any, Any]]) -> list[Any]:
    """Callbacks that multiply each variable with its mask after every step; none without masks."""
    import tf_keras

    def hold(*_: Any) -> None:
        for weight, mask in masks:
            weight.assign(weight * mask)

    return [tf_keras.callbacks.LambdaCallback(on_train_batch_end=hold)] if masks else []
