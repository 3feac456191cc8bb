"""`tinygen search`: many students under a board's budgets, the best of them as files that repeat it."""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..backbones import backbone, backbones
from ..backends.projects import require_project
from ..boards import load_board
from ..compiled import model_name
from ..compress.finished import keys_of
from ..config import Config, load_config
from ..dataset import DataSet, fit_shape
from ..errors import BadInput, OverBudget
from ..frontend.keras_loader import load_model
from ..frontend.representative import representative_samples
from ..model_file import LoadedModel
from ..preprocess import from_mean_std, normalize
from ..project import Preprocess
from ..road import check_folder
from ..user_data import open_data
from ..writing import write_whole
from .best import make_best, measure_origin
from .chart import pareto_svg
from .gate import Limits
from .processes import run_processes
from .result import SearchReport, best_of, closest_of, row_of
from .settings import SearchSection
from .study import forget_study, open_study, require_optuna, shown_storage
from .validation import with_validation

Say = Callable[[str], None]
#: Samples that are enough to convert a model whose sizes are looked at.
_FEW = 4


@dataclass(frozen=True)
class Work:
    """What is searched: the validated file, the data with a validation part, the model, a folder for scratch.

    `start` is when the search began, by time.monotonic().
    """

    config: Config
    data: DataSet
    model: LoadedModel
    preprocess: Preprocess | None
    limits: Limits
    folder: Path
    start: float

    @property
    def settings(self) -> SearchSection:
        """[search]."""
        return self.config.search


def search(
    config_path: Path,
    out: Path | None = None,
    *,
    changes: dict[str, Any] | None = None,
    fresh: bool = False,
    say: Say = lambda _text: None,
) -> SearchReport:
    """Searches, writes everything into `out` and returns it; `changes` are keys of [search] that go before the file's.

    A search that was stopped goes on from its study, unless `fresh`. Raises BadInput, and MissingTool without Optuna;
    that nothing fits is in the report: see require.
    """
    require_optuna()
    start = time.monotonic()
    config = _config(config_path, changes or {})
    out = out or config_path.resolve().parent / "search"
    check_folder(out)
    named = config.data
    if named is None:
        raise BadInput(f"{config_path}: search trains, and has no data.", '[data] file = "data.npz"')
    if config.train.loss or config.train.metric:
        raise BadInput(
            f"{config_path}: search judges by accuracy, or by mse of numbers; [train] names a loss or a metric.",
            "Search without them; `run` takes the recipe and both.",
        )
    folder = config_path.resolve().parent
    data, note = with_validation(open_data(named.file or named.python, folder, say), config.train.seed)
    out.mkdir(parents=True, exist_ok=True)
    if not config.search.storage:
        settings = config.search.model_copy(update={"storage": f"journal:{(out / 'study.journal').resolve()}"})
        config = config.model_copy(update={"search": settings})
    with tempfile.TemporaryDirectory(prefix="tinygen-") as scratch:
        say("loading the model")
        model = load_model(config.model.path, scratch, progress=say)
        work = _work(config, data, model, Path(scratch), start)
        names = _backbones(work)
        origin, notes = measure_origin(work.model, work.data, config, work.limits, say)
        name, study = _search(work, names, origin, fresh, say)
        rows = tuple(row_of(trial) for trial in study.get_trials())
        best, file = best_of(rows, least_accuracy(origin, config.budget.accuracy_drop)), named.file
        if file is None or note:
            file = out / "data.npz"
            np.savez(file, **data.arrays)  # type: ignore[arg-type]
        made = make_best(best, model, data, file, config, out, scratch, say) if best else None
    report = SearchReport(
        model=model_name(config.model.name),
        study=name,
        storage=shown_storage(config.search.storage),
        board=load_board(config.target.boards[0]).name,
        budget={
            "flash": config.budget.flash,
            "ram": config.budget.ram,
            "latency_us": config.budget.latency,
            "accuracy_drop": config.budget.accuracy_drop,
        },
        weights={key: getattr(config.search, key) for key in ("alpha", "beta", "gamma")},
        origin=origin,
        rows=rows,
        best=made,
        seconds=time.monotonic() - start,
        folder=out,
        notes=tuple(filter(None, (note, *notes))),
    )
    title = f"{report.model} on {report.board}: {len(rows)} trials"
    write_whole(out / "pareto.svg", pareto_svg(title, rows, best.number if best else None).encode())
    write_whole(out / "search.json", (json.dumps(report.json(), indent=1) + "\n").encode())
    return report


def least_accuracy(origin: dict[str, Any], drop: float | None) -> float | None:
    """What [budget] accuracy_drop leaves of the origin's accuracy on the validation data; None where none is asked."""
    validation = origin.get("validation") or {}
    return None if drop is None or validation.get("name") != "accuracy" else validation["value"] - drop - 1e-9


def require(report: SearchReport) -> None:
    """Raises OverBudget where no candidate fits, BadInput where none that fits was finished."""
    if report.best is not None:
        return
    done = [row.value_int8 or 0.0 for row in report.rows if row.outcome == "complete"]
    if done:
        least = least_accuracy(report.origin, report.budget["accuracy_drop"])
        raise OverBudget(
            f"No candidate that fits keeps the accuracy: {max(done):.4f} at best on the validation data, budget."
            f"accuracy_drop asks for {least:.4f}.",
            "More epochs, a larger budget, or more trials.",
        )
    refused = closest_of(report.rows)
    others = [row for row in report.rows if row.outcome != "refused"]
    if refused is not None and refused.plan is not None and not others:
        over = 100 * (refused.plan["overshoot"] - 1)
        raise OverBudget(
            f"None of {len(report.rows)} candidates fits. The closest, trial {refused.number} "
            f"({_params(refused.params)}), is {over:.0f} % over: {refused.reason}",
            "A larger budget, a smaller width or depth in [search], or more trials.",
        )
    told = next((f"trial {row.number} {row.outcome}: {row.reason}" for row in (others or report.rows)), "no trial ran")
    raise BadInput(f"None of {len(report.rows)} trials was finished; {told}.", "More trials or a longer timeout.")


def _params(params: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in params.items())


def _config(path: Path, changes: dict[str, Any]) -> Config:
    config = load_config(path)
    if config.model.path.suffix == ".tflite":
        raise BadInput(f"{config.model.path}: a .tflite cannot teach.", "Give the Keras model.")
    for name in config.target.boards:
        require_project(load_board(name), config.target.project, config.target.runtime)
    settings = config.search.model_copy(update=changes)
    for name in settings.backbones:
        backbone(name)
    return config.model_copy(update={"search": settings})


def _work(config: Config, data: DataSet, model: LoadedModel, folder: Path, start: float) -> Work:
    if model.kind != "keras":
        raise BadInput(f"{model.source}: a SavedModel without Keras metadata cannot teach.", "model.save('m.keras')")
    target, budget = config.target, config.budget
    limits = Limits(
        target.boards, target.runtime, target.project, target.optimize, budget.flash, budget.ram, budget.latency
    )
    preprocess = from_mean_std(config.input.mean, config.input.std, model.input_shape)
    return Work(config, data, model, preprocess, limits, folder, start)


def _backbones(work: Work) -> list[str]:
    """Those that are asked for, else all that take the model's input; an auto-encoder gives back its input's shape."""
    shape, outputs = work.model.input_shape[1:], work.model.output_shape[1:]
    named = work.settings.backbones
    fit = [b.name for b in backbones().values() if b.takes(shape) and (not b.same_shape or shape == outputs)]
    for name in named:
        if name not in fit:
            raise BadInput(
                f"search.backbones: {name!r} does not go from {list(shape)} to {list(outputs)}.",
                f"These do: {', '.join(fit) or 'none'}.",
            )
    if not fit:
        raise BadInput(f"{work.model.source}: no backbone takes an input of {list(shape)}.")
    return list(named) or fit


def _search(work: Work, names: list[str], origin: dict[str, Any], fresh: bool, say: Say) -> tuple[str, Any]:
    """Runs the processes; the study's name, and the study with all its trials."""
    config, settings, model = work.config, work.settings, work.model
    arrays = {}
    for split in ("train", "val", "test"):
        if (pair := work.data.pair(split)) is not None:
            x = fit_shape(pair[0], model.input_shape, f"{work.data.path}: x_{split}")
            arrays.update({f"x_{split}": normalize(x, work.preprocess), f"y_{split}": pair[1]})
    request: dict[str, Any] = {
        "settings": {**settings.model_dump(mode="json"), "timeout": None},
        "limits": asdict(work.limits),
        "backbones": names,
        "origin": {"weights_bytes": origin["weights_bytes"], "macs": origin["macs"]},
        "defaults": config.train.model_dump(),
        "preprocess": work.preprocess.model_dump() if work.preprocess else None,
        "seed": config.train.seed,
    }
    key = _key(model, arrays, request, config)
    name = settings.study or f"{config.model.name}-{key[:12]}"
    if fresh:
        forget_study(settings, name)
    study = open_study(settings, name, key, config.train.seed)
    known = len(study.get_trials(deepcopy=False))
    say(f"study {name}: {known} of {settings.trials} trials are there" if known else f"study {name}")
    samples = representative_samples(
        work.data, model.input_shape, work.preprocess, config.quantize.samples, config.train.seed
    )
    files = {part: str(work.folder / f"{part}.npy") for part in ("calibration", "few")}
    np.save(files["calibration"], samples)
    np.save(files["few"], samples[:_FEW])
    raw = fit_shape(work.data.arrays["x_val"], model.input_shape, f"{work.data.path}: x_val")
    np.savez(work.folder / "search.npz", **arrays, raw_val=raw)  # type: ignore[arg-type]
    left = None if settings.timeout is None else settings.timeout - (time.monotonic() - work.start)
    deadline = None if left is None else time.time() + left
    request |= {"study": name, "key": key, "teacher": model.path, "data": str(work.folder / "search.npz"),
                "path": work.data.path, "work": str(work.folder), "deadline": deadline, **files}  # fmt: skip
    run_processes(study, request, settings.processes, settings.timeout, say)
    return name, study


def _key(model: LoadedModel, arrays: dict[str, Any], request: dict[str, Any], config: Config) -> str:
    """Of all that decides a trial's result: the code and packages, model, data, space, limits, calibration."""
    deciding = {**request, "settings": config.search.space(), "samples": config.quantize.samples}
    deciding["limits"] = {**request["limits"], "boards": [load_board(b).name for b in config.target.boards]}
    first = keys_of(Path(model.path), arrays, config.train.seed, [])[0]
    return hashlib.sha256(json.dumps([first, deciding], sort_keys=True).encode()).hexdigest()
