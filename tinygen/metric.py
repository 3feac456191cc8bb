"""The metric of what a firmware computed: the one that the float model is judged by."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import BadInput
from .objective import Objective, kind_of
from .project import TensorRecord
from .worker import run_job

Array = npt.NDArray[Any]
_MOST_SECONDS = 600.0


def score(
    outputs: Sequence[bytes], record: TensorRecord, y: Array, objective: Objective | None = None
) -> dict[str, Any]:
    """{"name", "value", "samples"} of a model's first output, dequantized, against `y`.

    Without an objective: integer y of one value a sample is a class index (argmax), or yes and no where the model has
    one output (a sigmoid says yes above 0.5, a logit above 0); anything else is compared as numbers.
    """
    objective = objective or Objective()
    values = dequantized(outputs, record)
    kind = kind_of(y, values.shape[1])
    if objective.has_own_metric:
        return _metric(objective.metric, _own_score(objective, values.reshape(len(values), *record.shape[1:]), y), y)
    if kind == "numbers" and y.reshape(len(y), -1).shape != values.shape:
        raise BadInput(f"y has {y[0].size} values a sample, the model's output {values.shape[1]}.")
    objective.require_suits(kind, values.shape[1], "the held-out data")
    threshold = 0.5 if _is_sigmoid(record, values) else 0.0
    return _metric(objective.metric_of(kind), objective.score(kind, values, y, threshold), y)


def _own_score(objective: Objective, values: Array, y: Array) -> float:
    """The user's function, in a process of its own, as with the float model."""
    with tempfile.TemporaryDirectory(prefix="tinygen-") as work:
        path = Path(work) / "arrays.npz"
        np.savez(path, outputs=values, y=y)
        request = {"entry": objective.metric, "folder": objective.folder, "arrays": str(path)}
        return float(run_job("tinygen.objective:metric_job", request, timeout_seconds=_MOST_SECONDS)["value"])


def _is_sigmoid(record: TensorRecord, values: Array) -> bool:
    """By the scale that TensorFlow Lite gives a sigmoid's output; int16's is tanh's too, which falls below 0."""
    if record.dtype == "int16":
        return record.scale == 1 / 32768 and float(values.min()) >= 0
    return (record.scale, record.zero_point) == (1 / 256, -128)


def dequantized(outputs: Sequence[bytes], record: TensorRecord) -> Array:
    """Real values of the first output, a row a sample."""
    rows = np.stack([np.frombuffer(o[: record.bytes], record.dtype) for o in outputs])
    if record.scale is None:
        return rows.astype(np.float32)
    return np.asarray((rows.astype(np.int32) - (record.zero_point or 0)) * np.float32(record.scale), np.float32)


def _metric(name: str, value: float, y: Array) -> dict[str, Any]:
    return {"name": name, "value": value, "samples": len(y)}
