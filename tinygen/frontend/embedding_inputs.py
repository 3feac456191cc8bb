"""Whether a model's input holds indices for Embedding layers: these stay int32, int8 would not tell them apart."""

from __future__ import annotations

from typing import Any


def takes_indices(model: Any) -> bool:
    """Whether a tf_keras model's input is of integers, or is read by nothing but Embedding layers."""
    tensor = model.inputs[0]
    if tensor.dtype.is_integer:
        return True
    calls = [n for depth in model._nodes_by_depth.values() for n in depth if type(n.layer).__name__ != "InputLayer"]
    readers = [n.layer for n in calls if any(t is tensor for t in _tensors(n.input_tensors))]
    return bool(readers) and all(type(layer).__name__ == "Embedding" for layer in readers)


def _tensors(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]
