"""One trial: build, plan, refuse or train, quantize, and score by the bits of the integer model."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..compiled import Model
from ..compress.runner import begin
from ..compress.students import build_student
from ..compress.training import TrainingData
from ..dataset import DataSet
from ..errors import TinygenError
from ..frontend.importer import import_tflite
from ..frontend.quantize import quantized_here
from ..measure import int8_metric
from ..project import Preprocess
from ..quantization_aware import open_keras
from ..worker import Progress
from .gate import Limits, Plan, plan, sparse
from .score import Origin, goodness, score
from .settings import SearchSection
from .space import Candidate, tables
from .train import train


@dataclass(frozen=True)
class Bench:
    """What every trial of a worker shares. `held` is the validation data before preprocessing, `data` after it.

    `calibration` is a file of samples for the scales, `few` one of some of them, enough for sizes.
    """

    settings: SearchSection
    limits: Limits
    origin: Origin
    teacher: str
    data: TrainingData
    held: DataSet
    calibration: str
    few: str
    preprocess: Preprocess | None
    defaults: dict[str, Any]
    seed: int
    work: Path
    deadline: float | None


class Refused(Exception):
    """The candidate cannot be deployed; `plan` is None where it could not even be planned."""

    def __init__(self, reason: str, planned: Plan | None = None) -> None:
        super().__init__(reason)
        self.plan = planned


@dataclass(frozen=True)
class Built:
    """A candidate's untrained model in a file; `key` is the same for candidates that are the same model."""

    path: Path
    key: str


def build(candidate: Candidate, bench: Bench) -> Built:
    """The untrained student with its zeros. Refused where the backbone does not take the shape or the options."""
    begin(bench.seed + 1)
    try:
        student = build_student(
            open_keras(bench.teacher), candidate.backbone, multiplier=candidate.width, depth=candidate.depth,
            kernel=candidate.kernel,
        )  # fmt: skip
    except TinygenError as error:
        raise Refused(error.line) from error
    told = f"{student.to_json()}{candidate.sparsity}{candidate.precision}"
    path = bench.work / "untrained.h5"
    sparse(student, candidate.sparsity).save(path, include_optimizer=False, save_format="h5")
    return Built(path, hashlib.sha256(told.encode()).hexdigest()[:16])


def gate(built: Built, candidate: Candidate, bench: Bench) -> Plan:
    """The plan of a candidate that fits. Refused, with what is short, where it does not."""
    return _planned(built.path, candidate, bench, bench.few)[1]


def train_and_score(
    candidate: Candidate, bench: Bench, report: Any, progress: Progress
) -> tuple[float, Plan, dict[str, Any]]:
    """Score, plan of the trained model, and its figures on the validation data. Raises what `report` raises."""
    path = bench.work / "trained.h5"
    value, metric = train(
        tables(candidate, bench.settings, bench.defaults), bench.teacher, bench.data, bench.seed, path,
        report=report, every=bench.settings.report_every, deadline=bench.deadline, progress=progress,
    )  # fmt: skip
    tflite, planned, preprocess = _planned(path, candidate, bench, bench.calibration)
    model = Model("candidate", tflite, preprocess=preprocess)
    measured = int8_metric(model, import_tflite(tflite, model.name, supported_only=False), bench.held, bench.work)
    value_int = float(measured["value"]) if measured else value
    settings = bench.settings
    points = score(
        goodness(metric, value_int, bench.data.y_val),
        planned.weights_bytes,
        planned.macs,
        bench.origin,
        (settings.alpha, settings.beta, settings.gamma),
    )
    return points, planned, {"metric": metric, "value_float": value, "value_int8": value_int}


def _planned(path: Path, candidate: Candidate, bench: Bench, samples: str) -> tuple[bytes, Plan, Preprocess | None]:
    try:
        tflite, preprocess = quantized_here(
            path, Path(samples), name="candidate", precision=candidate.precision, preprocess=bench.preprocess
        )
        planned = plan(tflite, bench.limits)
    except TinygenError as error:
        raise Refused(error.line) from error
    if planned.shortage:
        raise Refused(planned.shortage, planned)
    return tflite, planned, preprocess
