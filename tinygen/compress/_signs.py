"""Makes the scale of a batch normalization behind a layer positive, by turning the layer's channel around.

The converter folds the normalization into the kernel; a negative scale there would turn the sign of a channel's
integers, and values that the layer's channels share would be twice as many.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ._kernels import LARGE_KERNELS


def positive_scales(model: Any) -> Any:
    """The model, changed in place, computing the same: kernel, bias, mean and scale of such a channel are negated."""
    for nodes in model._nodes_by_depth.values():
        for node in nodes:
            if type(node.layer).__name__ == "BatchNormalization" and node.layer.scale:
                source = node.keras_inputs[0]._keras_history.layer
                if _lone(source, node.layer):
                    _turn(source, node.layer)
    return model


def _lone(source: Any, normalization: Any) -> bool:
    """Whether the kernel's outputs go, as they are, into this normalization of the last axis and nowhere else."""
    known = type(source).__name__ in LARGE_KERNELS and source.activation.__name__ == "linear"
    once = known and len(source.outbound_nodes) == len(source.inbound_nodes) == len(normalization.inbound_nodes) == 1
    return bool(once) and normalization.gamma.shape[0] == source.output_shape[-1]


def _turn(source: Any, normalization: Any) -> None:
    signs = np.where(normalization.gamma.numpy() < 0, np.float32(-1), np.float32(1))
    kernel = getattr(source, LARGE_KERNELS[type(source).__name__])
    for variable in (kernel, source.bias, normalization.gamma, normalization.moving_mean):
        if variable is not None:
            variable.assign(variable * signs)
