"""A row of the recipe's table: the float model after a step, and what its int8 firmware costs and says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .compiled import Model
from .compress.runner import StepRecord
from .dataset import DataSet
from .errors import TinygenError
from .frontend.quantize import quantize_loaded
from .measure import Measured, measure_step
from .objective import Objective
from .records import Optimize

Say = Callable[[str], None]


@dataclass(frozen=True)
class Row:
    """`measured` is None where int8 could not be measured, and `reason` says why."""

    record: StepRecord
    measured: Measured | None
    compression_ratio: float | None
    reason: str = ""

    def json(self) -> dict[str, Any]:
        """The row as JSON; `value` is the float model's metric, `value_int8` the int8 bits'."""
        record, measured = self.record, self.measured
        costs = "macs weights_bytes arena_bytes flash_bytes ram_bytes instructions source".split()
        return {
            "step": record.technique,
            "parameters": record.parameters,
            "nonzero_share": record.nonzero_share,
            "metric": record.metric,
            "value": record.value,
            "value_int8": measured.value if measured else None,
            **accuracies(record.metric, record.value, measured.value if measured else None),
            **{key: getattr(measured, key) if measured else None for key in costs},
            "compression_ratio": self.compression_ratio,
            "reused": record.reused,
            "facts": record.facts,
        }


def accuracies(metric: str, real: float | None, int8: float | None) -> dict[str, float | None]:
    """ "accuracy_float" and "accuracy_int8"; null where the model is judged by another metric."""
    is_accuracy = metric == "accuracy"
    return {"accuracy_float": real if is_accuracy else None, "accuracy_int8": int8 if is_accuracy else None}


def ratio(first: Measured, measured: Measured) -> float | None:
    """How many times smaller the weights are in flash than the start's."""
    return first.weights_bytes / measured.weights_bytes if measured.weights_bytes else None


def measured_rows(
    records: Sequence[StepRecord],
    data: DataSet,
    board: str,
    seed: int,
    say: Say,
    *,
    optimize: Optimize = "balanced",
    objective: Objective | None = None,
) -> list[Row]:
    """Each step's model quantized and measured on `board`; a step that cannot be keeps its float figures."""
    say("quantizing every step to int8")
    try:
        quantized = quantize_loaded([r.model for r in records], data, seed=seed, progress=say)
    except TinygenError as error:
        return [Row(record, None, None, error.line) for record in records]
    rows: list[Row] = []
    first: Measured | None = None
    for record, result in zip(records, quantized, strict=True):
        say(f"measuring {record.technique} on {board}")
        model = Model("model", result.tflite, preprocess=result.preprocess)
        try:
            measured = measure_step(model, board, data, "aot", optimize=optimize, objective=objective)
        except TinygenError as error:
            rows.append(Row(record, None, None, error.line))
            continue
        first = first or (measured if record.index == 0 else None)
        rows.append(Row(record, measured, ratio(first, measured) if first else None))
    return rows
