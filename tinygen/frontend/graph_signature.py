"""The serving signature of a SavedModel without Keras metadata: one input, one output, callable with a batch of 1."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import BadInput


@dataclass(frozen=True)
class Signature:
    """What is needed to convert: the function of one tensor, what owns its variables, and the shapes with batch 1."""

    call: Callable[[Any], Any]
    owner: Any
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    parameters: int


def open_signature(folder: Path) -> Signature:
    """Opens a SavedModel whose operators were checked (`savedmodel.check_saved_model`). Runs in the worker."""
    import tensorflow as tf

    try:
        owner = tf.saved_model.load(str(folder))
    except Exception as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
        raise BadInput(f"{folder.name}: TensorFlow cannot load it: {first}", "Export the model again.") from error
    function = owner.signatures.get("serving_default") if hasattr(owner, "signatures") else None
    if function is None:
        raise BadInput(f"{folder.name}: has no signature serving_default.", "Export it with model.export(folder).")
    inputs, outputs = function.structured_input_signature[1], function.structured_outputs
    if len(inputs) != 1 or len(outputs) != 1:
        raise BadInput(f"{folder.name}: {len(inputs)} inputs and {len(outputs)} outputs; one of each is supported.")
    name, spec = next(iter(inputs.items()))
    result = next(iter(outputs))
    if spec.shape.rank is None or any(d is None for d in spec.shape[1:]) or spec.shape[0] not in (None, 1):
        raise BadInput(
            f"{folder.name}: the input's shape {spec.shape} is open or batched.", "All but the batch must be fixed."
        )
    if spec.dtype != tf.float32:
        raise BadInput(f"{folder.name}: the input is {spec.dtype.name}, not float32.", "Export the float model.")

    def call(x: Any) -> Any:
        return function(**{name: x})[result]

    shape = (1, *(int(d) for d in spec.shape[1:]))
    output = tuple(int(d) for d in call(tf.zeros(shape)).shape)
    parameters = sum(int(tf.size(v)) for v in getattr(function, "variables", ()))
    return Signature(call, owner, shape, output, parameters)
