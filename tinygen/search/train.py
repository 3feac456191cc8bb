"""Trains a candidate by the very steps of its recipe, told after some epochs whether it is worth going on."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..compress.registry import technique
from ..compress.runner import apply_step
from ..compress.task import task_of
from ..compress.training import TrainingData, predict
from ..worker import Progress
from .score import goodness


class TimeIsUp(Exception):
    """The search's time ended while a trial was training."""


def train(
    tables: list[dict[str, Any]],
    teacher: str,
    data: TrainingData,
    seed: int,
    out: Path,
    *,
    report: Callable[[int, float], None],
    every: int,
    deadline: float | None,
    progress: Progress,
) -> tuple[float, str]:
    """Applies the recipe's tables to the teacher's file and saves the model in `out`; its metric on validation data.

    `report` is called with the epochs done and the student's goodness, and may raise to end the trial; TimeIsUp is
    raised after `deadline` (time.time()).
    """

    def tell(text: str) -> None:
        if deadline is not None and time.time() > deadline:
            raise TimeIsUp
        progress(text)

    def watch(epoch: int, model: Any) -> None:
        if epoch % every == 0:
            report(epoch, _value(model, data)[2])

    before = teacher
    for i, table in enumerate(tables, start=1):
        found = technique(table["technique"])
        options = found.options.model_validate({key: v for key, v in table.items() if key != "technique"})
        watched = watch if i == 1 else None
        model, _ = apply_step(i, found, options, teacher, before, data, seed, tell, watched)
        model.save(out, include_optimizer=False, save_format="h5")
        before = str(out)
    value, metric, _ = _value(model, data)
    return value, metric


def _value(model: Any, data: TrainingData) -> tuple[float, str, float]:
    """(metric's value, metric, goodness) on the validation data."""
    task = task_of(model, data.y_val, "y_val")
    value = task.score(predict(model, data.x_val), data.y_val)
    return value, task.metric, goodness(task.metric, value, data.y_val)
