"""What a model is trained for and judged by: losses and metrics by name, or functions of the user's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from .errors import BadInput
from .user_entry import failed, imported, sources

Array = npt.NDArray[Any]
Kind = Literal["classes", "binary", "numbers"]
LOSSES = ("cross_entropy", "mse", "mae", "huber")
#: Built-in metrics: those of which more is better, and those of which less is.
MORE_IS_BETTER, LESS_IS_BETTER = ("accuracy", "f1", "auc"), ("mse", "mae")
METRICS = MORE_IS_BETTER + LESS_IS_BETTER
METRIC_FORM = "metric(y, outputs) takes two arrays, a row a sample, and returns one number."


def kind_of(y: Array, outputs: int) -> Kind:
    """Integer y of one value a sample are classes, or yes and no where the model has one output; else numbers."""
    if y.ndim == 1 and y.dtype.kind in "biu":
        if outputs > 1:
            return "classes"
        if set(np.unique(y).tolist()) <= {0, 1}:
            return "binary"
    return "numbers"


@dataclass(frozen=True)
class Objective:
    """[train]'s `loss` and `metric`, empty for what the data says; `folder` holds the modules of the user's own.

    `less_is_better` is of a metric of the user's own; a built-in one has its direction.
    """

    loss: str = ""
    metric: str = ""
    less_is_better: bool = False
    folder: str = ""

    @property
    def has_own_metric(self) -> bool:
        """Whether the metric is a Python function of the user's."""
        return ":" in self.metric

    def metric_of(self, kind: Kind) -> str:
        """The metric's name: the one that is given, else accuracy of classes and mean squared error of numbers."""
        return self.metric or ("mse" if kind == "numbers" else "accuracy")

    def is_less_better(self, kind: Kind) -> bool:
        """The metric's direction."""
        return self.less_is_better if self.has_own_metric else self.metric_of(kind) in LESS_IS_BETTER

    def require_suits(self, kind: Kind, outputs: int, where: str) -> None:
        """BadInput where the metric or the loss is not one of such targets."""
        metric = self.metric_of(kind)
        told = {"classes": f"{outputs} classes", "binary": "yes and no", "numbers": "numbers"}[kind]
        if (kind == "numbers" and metric in MORE_IS_BETTER) or (metric == "auc" and kind == "classes" and outputs != 2):
            fit = "mse, mae" if kind == "numbers" else "accuracy, f1"
            raise BadInput(f"{where}: y is {told}, which train.metric {metric!r} does not judge.", f"{fit} do.")
        if kind == "numbers" and self.loss == "cross_entropy":
            raise BadInput(f"{where}: y is {told}, which train.loss 'cross_entropy' is not of.", "mse, mae, huber are.")

    def sources(self) -> dict[str, dict[str, str]]:
        """SHA-256 of the user's source files that loss and metric come from, by entry."""
        return {entry: sources(entry, Path(self.folder)) for entry in (self.loss, self.metric) if ":" in entry}

    def score(self, kind: Kind, outputs: Array, y: Array, threshold: float) -> float:
        """The metric of outputs, a row a sample, by y; above `threshold` an only output says yes.

        A metric of the user's own is called here: in a worker process. Raises BadInput.
        """
        if self.has_own_metric:
            return _own_score(self.metric, self.folder, outputs, y)
        return _BUILT_IN[self.metric_of(kind)](kind, outputs.reshape(len(y), -1), y, threshold)


def _own_score(entry: str, folder: str, outputs: Array, y: Array) -> float:
    try:
        value = np.asarray(imported(entry, folder, METRIC_FORM)(y.copy(), outputs.copy()))
        if value.size != 1 or value.dtype.kind not in "biuf":
            raise BadInput(f"{entry}: gives {value.dtype} of shape {list(value.shape)}, not one number.", METRIC_FORM)
        if not np.isfinite(value).all():
            raise BadInput(f"{entry}: gives {value.item()} on {len(y)} samples.", "A metric is a finite number.")
    except BadInput:
        raise
    except (Exception, SystemExit) as error:
        raise failed(entry, folder, error) from error
    return float(value.item())


def _classes(kind: Kind, rows: Array, y: Array, threshold: float) -> tuple[Array, Array]:
    """(what the model says, what is so), class indices; yes is 1."""
    if kind == "classes":
        return rows.argmax(axis=1), y
    return (rows[:, 0] > threshold).astype(np.int64), (y.reshape(-1) > 0.5).astype(np.int64)


def _accuracy(kind: Kind, rows: Array, y: Array, threshold: float) -> float:
    said, true = _classes(kind, rows, y, threshold)
    return float((said == true).mean())


def _f1(kind: Kind, rows: Array, y: Array, threshold: float) -> float:
    """Of yes; of classes the mean over those that occur in either ("macro")."""
    said, true = _classes(kind, rows, y, threshold)
    counted = [1] if kind == "binary" else np.union1d(said, true)
    hits = [int(((said == c) & (true == c)).sum()) for c in counted]
    seen = [int((said == c).sum() + (true == c).sum()) for c in counted]
    return float(np.mean([2 * hit / total if total else 0.0 for hit, total in zip(hits, seen, strict=True)]))


def _auc(kind: Kind, rows: Array, y: Array, _threshold: float) -> float:
    """The area under the ROC curve: the chance that a yes scores above a no, ties counting a half (Mann-Whitney)."""
    scores = (rows[:, 1] - rows[:, 0]) if kind == "classes" else rows[:, 0]
    is_yes = y.reshape(-1) > 0.5
    yes, no = int(is_yes.sum()), int((~is_yes).sum())
    if not yes or not no:
        raise BadInput("train.metric 'auc': the held-out y is all of one class.", "It needs both, yes and no.")
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place.reshape(-1)]
    return float((ranks[is_yes].sum() - yes * (yes + 1) / 2) / (yes * no))


def rows_of(kind: Kind, y: Array, outputs: int) -> Array:
    """y as rows of floats: one-hot for classes."""
    if kind == "classes":
        return np.eye(outputs, dtype=np.float32)[y.astype(np.int64)]
    return y.reshape(len(y), -1)


def _mse(kind: Kind, rows: Array, y: Array, _threshold: float) -> float:
    return float(np.mean((rows - rows_of(kind, y, rows.shape[1])) ** 2, dtype=np.float64))


def _mae(kind: Kind, rows: Array, y: Array, _threshold: float) -> float:
    return float(np.mean(np.abs(rows - rows_of(kind, y, rows.shape[1])), dtype=np.float64))


_BUILT_IN: dict[str, Callable[[Kind, Array, Array, float], float]] = {
    "accuracy": _accuracy,
    "f1": _f1,
    "auc": _auc,
    "mse": _mse,
    "mae": _mae,
}


def metric_job(request: dict[str, Any], _progress: Callable[[str], None]) -> dict[str, Any]:
    """Runs in the worker: a metric of the user's own on outputs and y of an .npz."""
    with np.load(request["arrays"], allow_pickle=False) as arrays:
        return {"value": _own_score(request["entry"], request["folder"], arrays["outputs"], arrays["y"])}
