"""A process of the search: asks the study for trials, runs them, and tells it what came out, until enough are there."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from ..compress.runner import deterministic
from ..compress.task import task_of
from ..compress.training import TrainingData
from ..dataset import DataSet
from ..errors import BadInput
from ..project import Preprocess
from ..quantization_aware import is_quantization_aware, open_keras
from ..worker import Progress
from .gate import Limits, Plan
from .score import Origin
from .settings import SearchSection
from .space import suggest
from .study import open_study
from .train import TimeIsUp
from .trial import Bench, Refused, build, gate, train_and_score


def search_job(request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Runs in the worker: trials of the study until it has `trials` of them or the deadline has come."""
    bench = _bench(request)
    _check_teacher(request)
    settings = bench.settings
    study = open_study(settings, request["study"], request["key"], bench.seed)
    deterministic()
    ran = 0
    while len(study.get_trials(deepcopy=False)) < settings.trials and not _late(bench):
        run_trial(study, bench, request["backbones"], request["owner"], progress)
        ran += 1
    return {"ran": ran}


def run_trial(study: Any, bench: Bench, backbones: list[str], owner: str, progress: Progress) -> None:
    """One trial, whatever happens in it: its outcome and the reason are kept with it in the study."""
    import optuna

    trial = study.ask()
    states, start = optuna.trial.TrialState, time.monotonic()
    trial.set_user_attr("process", owner)
    candidate = suggest(trial, bench.settings, backbones)
    trial.set_user_attr("params", candidate.json())
    name = f"trial {trial.number}"
    state, value, outcome, reason = states.FAIL, None, "failed", ""
    try:
        built = build(candidate, bench)
        trial.set_user_attr("key", built.key)
        twin = _twin(study, trial.number, built.key)
        if twin is not None:
            state, value, outcome, reason = _like(trial, twin)
        else:
            _keep(trial, gate(built, candidate, bench), trained=True)
            progress(f"{name}: {candidate.title}")

            def report(epoch: int, goodness: float) -> None:
                trial.report(goodness, epoch)
                if trial.should_prune():
                    raise optuna.TrialPruned(f"hopeless after {epoch} epochs: {goodness:.4f}")

            value, planned, figures = train_and_score(
                candidate, bench, report, lambda text: progress(f"{name}: {candidate.title}; {text}")
            )
            _keep(trial, planned, **figures)
            state, outcome = states.COMPLETE, "complete"
    except Refused as refused:
        if refused.plan is not None:
            _keep(trial, refused.plan)
        state, outcome, reason = states.PRUNED, "refused", str(refused)
    except optuna.TrialPruned as error:
        state, outcome, reason = states.PRUNED, "pruned", str(error)
    except TimeIsUp:
        state, outcome, reason = states.PRUNED, "stopped", "the search's time was over"
    except Exception as error:
        reason = f"{type(error).__name__}: {(str(error).strip() or 'no message').splitlines()[0][:300]}"
    trial.set_user_attr("outcome", outcome)
    trial.set_user_attr("reason", reason)
    trial.set_user_attr("seconds", round(time.monotonic() - start, 2))
    study.tell(trial, value, state=state)
    told = f"score {value:.4f}" if value is not None else reason
    progress(f"{name} {outcome}: {candidate.title}; {told}")


def _keep(trial: Any, planned: Plan, **figures: Any) -> None:
    """Figures beside the trial: the plan's, and more."""
    for key, value in {"plan": planned.json(), **figures}.items():
        trial.set_user_attr(key, value)


def _twin(study: Any, number: int, key: str) -> Any:
    """A trial that is done and was the same model, whoever ran it."""
    done = {"complete", "refused", "pruned"}
    trials = study.get_trials(deepcopy=False)
    found = (t for t in trials if t.number != number and t.user_attrs.get("key") == key)
    return next((t for t in found if t.user_attrs.get("outcome") in done and t.state.is_finished()), None)


def _like(trial: Any, twin: Any) -> tuple[Any, float | None, str, str]:
    """The same outcome without the work."""
    for key in ("plan", "metric", "value_float", "value_int8"):
        if key in twin.user_attrs:
            trial.set_user_attr(key, twin.user_attrs[key])
    trial.set_user_attr("twin", twin.number)
    for epoch, value in twin.intermediate_values.items():
        trial.report(value, epoch)
    same = f"the same model as trial {twin.number}"
    reason = twin.user_attrs.get("reason", "")
    return twin.state, twin.value, twin.user_attrs["outcome"], f"{same}: {reason}" if reason else same


def _check_teacher(request: dict[str, Any]) -> None:
    """BadInput where the data does not fit the model, or where the model cannot be the first of a recipe."""
    teacher = open_keras(request["teacher"])
    if is_quantization_aware(teacher):
        raise BadInput(
            f"{Path(request['teacher']).name}: was trained quantization-aware, which cannot teach.",
            "Give the model that it was made from.",
        )
    with np.load(request["data"], allow_pickle=False) as archive:
        for name in (n for n in archive.files if n.startswith("y_")):
            task_of(teacher, archive[name], f"{request['path']}: {name}")


def _late(bench: Bench) -> bool:
    return bench.deadline is not None and time.time() > bench.deadline


def _bench(request: dict[str, Any]) -> Bench:
    with np.load(request["data"], allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    data = TrainingData(arrays["x_train"], arrays["y_train"], arrays["x_val"], arrays["y_val"])
    held = DataSet(request["path"], {"x_val": arrays["raw_val"], "y_val": arrays["y_val"]})
    limits = request["limits"]
    work = Path(request["work"]) / request["owner"].rpartition("/")[2]
    work.mkdir(exist_ok=True)
    return Bench(
        settings=SearchSection.model_validate(request["settings"]),
        limits=Limits(**{**limits, "boards": tuple(limits["boards"])}),
        origin=Origin(**request["origin"]),
        teacher=request["teacher"],
        data=data,
        held=held,
        calibration=request["calibration"],
        few=request["few"],
        preprocess=Preprocess.model_validate(request["preprocess"]) if request["preprocess"] else None,
        defaults=request["defaults"],
        seed=request["seed"],
        work=work,
        deadline=request["deadline"],
    )
