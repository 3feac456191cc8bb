"""What a trial is: a student's shape, sparsity and precision, suggested by Optuna, and the recipe that makes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from .settings import SearchSection

#: The teacher's share of a student's loss, and its temperature, where the search distils (Hinton et al. 2015).
ALPHA, TEMPERATURE = 0.7, 3.0


@dataclass(frozen=True)
class Candidate:
    """One point of the space."""

    backbone: str
    width: float
    depth: int
    kernel: int
    sparsity: float
    precision: Literal["int8", "int16x8"]

    def json(self) -> dict[str, Any]:
        """The parameters by name."""
        return asdict(self)

    @property
    def title(self) -> str:
        """In a line of progress."""
        sparse = f", {100 * self.sparsity:g} % zeros" if self.sparsity else ""
        wide = "" if self.precision == "int8" else f", {self.precision}"
        return f"{self.backbone} {self.width:g}×, depth {self.depth}, kernel {self.kernel}{sparse}{wide}"


def suggest(trial: Any, settings: SearchSection, backbones: Sequence[str]) -> Candidate:
    """The next point; `trial` is Optuna's. A width is one of two decimals, so that a recipe can say it."""
    width = trial.suggest_float("width", *settings.width, log=True)
    return Candidate(
        backbone=trial.suggest_categorical("backbone", list(backbones)),
        width=min(max(round(width, 2), settings.width[0]), settings.width[1]),
        depth=trial.suggest_int("depth", *settings.depth),
        kernel=trial.suggest_categorical("kernel", list(settings.kernels)),
        sparsity=trial.suggest_categorical("sparsity", list(settings.sparsities)),
        precision=trial.suggest_categorical("precision", list(settings.precisions)),
    )


def tables(candidate: Candidate, settings: SearchSection, train: dict[str, Any]) -> list[dict[str, Any]]:
    """The [[compress]] tables that make the candidate of its teacher; `train` is what [train] says of every step."""
    kept = {key: train[key] for key in ("batch_size", "learning_rate") if train.get(key) is not None}
    student = {"student": candidate.backbone, "multiplier": candidate.width, "depth": candidate.depth}
    shared = {"alpha": ALPHA if settings.distill else 0.0, "temperature": TEMPERATURE}
    distill = {"technique": "distill", **student, "kernel": candidate.kernel, "epochs": settings.epochs}
    steps = [{**distill, **shared, **kept}]
    if candidate.sparsity:
        pruned = {"technique": "prune", "sparsity": candidate.sparsity, "epochs": settings.prune_epochs}
        steps.append({**pruned, **kept})
    return steps
