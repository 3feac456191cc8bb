"""What a search found: a row a trial, the front, the best; as "tinygen.search/1"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .pareto import front
from .score import FORMULA


@dataclass(frozen=True)
class Row:
    """One trial. `outcome` is complete, refused (by the gate), pruned (hopeless), stopped, failed or running.

    `value_float` and `value_int8` are the metric on the validation data, of the float model and of the integer bits,
    whatever their precision; figures are planned, of the trained model where it was trained.
    """

    number: int
    outcome: str
    reason: str
    params: dict[str, Any]
    score: float | None
    metric: str | None
    value_float: float | None
    value_int8: float | None
    plan: dict[str, Any] | None
    reports: dict[str, float]
    trained: bool
    twin: int | None
    seconds: float | None
    process: str

    def json(self) -> dict[str, Any]:
        """The row with the plan's figures beside the others, null where it was not planned."""
        told = asdict(self)
        plan = told.pop("plan") or {}
        keys = "flash_bytes ram_bytes weights_bytes arena_bytes macs latency_us".split()
        return {**told, **{key: plan.get(key) for key in keys}}


def row_of(trial: Any) -> Row:
    """Of Optuna's frozen trial."""
    kept, done = trial.user_attrs, trial.state.is_finished()
    return Row(
        number=trial.number,
        outcome=kept.get("outcome", "failed") if done else "running",
        reason=kept.get("reason", "its process was stopped or died" if done else ""),
        params=kept.get("params", {}),
        score=trial.value if done else None,
        metric=kept.get("metric"),
        value_float=kept.get("value_float"),
        value_int8=kept.get("value_int8"),
        plan=kept.get("plan"),
        reports={str(epoch): value for epoch, value in trial.intermediate_values.items()},
        trained=bool(kept.get("trained", False)),
        twin=kept.get("twin"),
        seconds=kept.get("seconds"),
        process=kept.get("process", ""),
    )


def better_first(row: Row) -> float:
    """Accuracy, or the mean squared error turned round: more is better."""
    value = row.value_int8 or 0.0
    return -value if row.metric == "mse" else value


def front_of(rows: Sequence[Row]) -> list[Row]:
    """The complete trials that no other beats in validation metric, flash and RAM at once, the smallest first."""
    done = [row for row in rows if row.outcome == "complete" and row.plan]
    points = [(better_first(row), row.plan["flash_bytes"], row.plan["ram_bytes"]) for row in done if row.plan]
    return [done[i] for i in front(points)]


def best_of(rows: Sequence[Row], least: float | None) -> Row | None:
    """The complete trial with the highest score, of equal ones the first; none below the `least` accuracy."""
    done = [row for row in rows if row.outcome == "complete" and row.score is not None]
    if least is not None:
        done = [row for row in done if row.metric != "accuracy" or (row.value_int8 or 0.0) >= least]
    return max(done, key=lambda row: (row.score or 0.0, -row.number), default=None)


def closest_of(rows: Sequence[Row]) -> Row | None:
    """The refused candidate that is over its limits by the least."""
    planned = [row for row in rows if row.outcome == "refused" and row.plan]
    return min(planned, key=lambda row: row.plan["overshoot"] if row.plan else 0.0, default=None)


@dataclass(frozen=True)
class SearchReport:
    """All of it; `best` has the figures of the recipe's own run, None where nothing fits or nothing was finished."""

    model: str
    study: str
    storage: str
    board: str
    budget: dict[str, Any]
    weights: dict[str, float]
    origin: dict[str, Any]
    rows: tuple[Row, ...]
    best: dict[str, Any] | None
    seconds: float
    folder: Path
    notes: tuple[str, ...] = field(default=())

    def json(self) -> dict[str, Any]:
        """The "tinygen.search/1" object."""
        return {
            "schema": "tinygen.search/1",
            "model": self.model,
            "study": self.study,
            "storage": self.storage,
            "board": self.board,
            "budget": self.budget,
            "score": {"formula": FORMULA, **self.weights},
            "origin": self.origin,
            "trials": [row.json() for row in self.rows],
            "pareto": [row.number for row in front_of(self.rows)],
            "best": self.best,
            "seconds": round(self.seconds, 1),
            "folder": str(self.folder),
            "notes": list(self.notes),
        }
