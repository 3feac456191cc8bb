"""The metric of what a firmware computed: accuracy for classes, mean squared error for numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import BadInput
from .project import TensorRecord

Array = npt.NDArray[Any]


def score(outputs: Sequence[bytes], record: TensorRecord, y: Array) -> dict[str, Any]:
    """{"name", "value", "samples"} of a model's first output, dequantized, against `y`.

    Integer y of one value a sample is a class index (argmax), or yes and no where the model has one output (a sigmoid
    says yes above 0.5, a logit above 0); anything else is compared as numbers.
    """
    values = dequantized(outputs, record)
    classes = y.ndim == 1 and y.dtype.kind in "biu"
    if classes and values.shape[1] > 1:
        return _metric("accuracy", float((values.argmax(axis=1) == y).mean()), len(y))
    if classes and set(np.unique(y).tolist()) <= {0, 1}:
        sigmoid = (record.scale, record.zero_point) == (1 / 256, -128)
        return _metric("accuracy", float(((values[:, 0] > (0.5 if sigmoid else 0.0)) == (y > 0)).mean()), len(y))
    targets = y.reshape(len(y), -1)
    if targets.shape != values.shape:
        raise BadInput(f"y has {targets.shape[1]} values a sample, the model's output {values.shape[1]}.")
    return _metric("mse", float(np.mean((values - targets) ** 2, dtype=np.float64)), len(y))


def dequantized(outputs: Sequence[bytes], record: TensorRecord) -> Array:
    """Real values of the first output, a row a sample."""
    rows = np.stack([np.frombuffer(o[: record.bytes], record.dtype) for o in outputs])
    if record.scale is None:
        return rows.astype(np.float32)
    return np.asarray((rows.astype(np.int32) - (record.zero_point or 0)) * np.float32(record.scale), np.float32)


def _metric(name: str, value: float, samples: int) -> dict[str, Any]:
    return {"name": name, "value": value, "samples": samples}
