"""A model's kernels (weights of two or more axes), found by layer, and its copy."""

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


def values_and_zeros(kernel: Any) -> dict[str, Any]:
    """How many distinct values an array has, and its share of zeros: what a technique reports of a layer."""
    return {"values": len(np.unique(kernel)), "zero_share": round(float((kernel == 0).mean()), 4)}
