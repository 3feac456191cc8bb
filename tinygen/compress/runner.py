"""Runs a recipe: the techniques in turn, in one worker process, a record and a saved model after every step."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..dataset import DataSet, fit_shape
from ..errors import BadInput
from ..model_file import LoadedModel
from ..objective import Objective
from ..preprocess import from_mean_std, normalize
from ..quantization_aware import count_parameters, is_quantization_aware, open_keras
from ..worker import Progress, run_job
from .finished import forget_others, keys_of, prepare, read_finished, write_finished
from .registry import Fitter, Options, Technique, Wish, technique

Loader = Callable[[str], LoadedModel]


class StepLike(Protocol):
    """What a step of a recipe has: config.Step is one."""

    @property
    def technique(self) -> str: ...

    @property
    def options(self) -> Options: ...


@dataclass(frozen=True)
class StepRecord:
    """The float model after one step; row 0, technique "original", is the model as it was loaded.

    `nonzero_share` counts the kernels (weights of two or more axes). `metric` is the metric's name, `value` its value
    on the held-out `split`; both are empty where the data holds none. `facts` is what the technique reports;
    `reused` says that an earlier start did the step.
    """

    index: int
    technique: str
    options: dict[str, Any]
    parameters: int
    nonzero_share: float
    metric: str
    value: float | None
    split: str
    samples: int
    model: LoadedModel
    facts: dict[str, Any] = field(default_factory=dict)
    reused: bool = False


def run_recipe(
    model: LoadedModel,
    data: DataSet,
    steps: Sequence[StepLike],
    work: str | Path,
    *,
    seed: int = 0,
    mean: Sequence[float] = (),
    std: Sequence[float] = (),
    objective: Objective | None = None,
    load: Loader,
    fit: Fitter | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
    timeout_seconds: float = 4 * 3600.0,
) -> list[StepRecord]:
    """Applies `steps` to `model`, each to what the one before left; the models are saved in the folder `work`.

    The same input and seed give the same weights on the same machine. Steps that an earlier call finished in `work` are
    taken from there, unless `fresh`; each begins from the model's file, so that the result is the same. `load` checks
    and loads a model file that an option names (a student); `objective` is [train]'s loss and metric; `fit` finds how
    large one may be that a step sizes to the board. Raises BadInput for data without labels and for a model that can
    only be quantized.
    """
    if model.kind != "keras":
        raise BadInput(
            f"{model.source}: a SavedModel without Keras metadata can be quantized, not compressed.",
            "Save the model with model.save('model.keras').",
        )
    _require_last(steps)
    if data.pair("train") is None:
        raise BadInput(f"{data.path}: compression trains, and x_train or y_train is missing.", "An .npz with both.")
    objective = objective or Objective()
    preprocess = from_mean_std(mean, std, model.input_shape)
    requests = [_request(step, load, fit or _no_board) for step in steps]
    work = Path(work).resolve()
    prepare(work, fresh=fresh)
    arrays = {}
    for split in ("train", "val", "test"):
        if (pair := data.pair(split)) is not None:
            x = fit_shape(pair[0], model.input_shape, f"{data.path}: x_{split}")
            arrays.update({f"x_{split}": normalize(x, preprocess), f"y_{split}": pair[1]})
    names = ["original", *(step.technique for step in steps)]
    keys = keys_of(Path(model.path), arrays, seed, requests, objective)
    rows = read_finished(work, keys, names)
    if rows and progress is not None:
        progress(f"{_listed(rows)} taken from {work}: done by an earlier start (--fresh does all anew)")
    reused = len(rows)
    if reused < len(keys):
        with tempfile.TemporaryDirectory(prefix="tinygen-") as folder:
            np.savez(Path(folder) / "data.npz", **arrays)  # type: ignore[arg-type]
            request = {"model": model.path, "data": str(Path(folder) / "data.npz"), "path": data.path}
            answer = run_job(
                "tinygen.compress.runner:compress_job",
                {
                    **request, "work": str(work), "steps": requests, "seed": seed, "keys": keys, "done": rows,
                    "objective": asdict(objective),
                },
                timeout_seconds=timeout_seconds,
                progress=progress,
            )  # fmt: skip
        rows = answer["records"]
    forget_others(work, keys, names)
    return [_record({**row, "reused": i < reused}, model) for i, row in enumerate(rows)]


def _listed(rows: Sequence[dict[str, Any]]) -> str:
    return ", ".join(f"{row['index']} {row['technique']}" for row in rows)


def _require_last(steps: Sequence[StepLike]) -> None:
    for i, step in enumerate(steps[:-1]):
        if step.options.LAST:
            after = steps[i + 1].technique
            raise BadInput(
                f"compress.{i + 1}: {after!r} after {step.technique!r}, which has to be the last step.",
                f"Move {step.technique!r} to the end of the recipe.",
            )


def _no_board(wish: Wish) -> tuple[float, dict[str, Any]]:
    raise BadInput(f"Student {wish.student!r} is to be sized to a board, and none is given.", "Name a board.")


def _request(step: StepLike, load: Loader, fit: Fitter) -> dict[str, Any]:
    options, found = step.options.sized(fit)
    files = options.renamed_files(lambda path: load(path).path)
    return {
        "technique": step.technique,
        "options": json.loads(options.model_dump_json()),
        "files": files,
        "found": found,
    }


def _record(row: dict[str, Any], model: LoadedModel) -> StepRecord:
    made = LoadedModel(
        source=model.source,
        path=row.pop("path"),
        kind="keras",
        name=model.name,
        input_shape=model.input_shape,
        output_shape=model.output_shape,
        parameters=row["parameters"],
        findings=model.findings,
    )
    return StepRecord(**row, model=made)


def compress_job(request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Runs in the worker: applies the steps that are not done yet, saves and measures after each.

    What a step gives does not hang on whether the steps before ran in this process: see apply_step.
    """
    from ._losses import check_loss
    from .task import Task, task_of
    from .training import TrainingData, predict

    deterministic()
    with np.load(request["data"], allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    if is_quantization_aware(open_keras(request["model"])):
        raise BadInput(
            f"{Path(request['model']).name}: was trained quantization-aware, which has to be the last step.",
            "`tinygen quantize` takes it; compress the model that it was made from.",
        )
    data = TrainingData(
        arrays["x_train"],
        arrays["y_train"],
        arrays.get("x_val", arrays["x_train"][:0]),
        arrays.get("y_val", arrays["y_train"][:0]),
    )
    records = list(request["done"])
    objective = Objective(**request["objective"])

    def task_for(model: Any, split: str = "train") -> Task:
        return task_of(model, arrays[f"y_{split}"], f"{request['path']}: y_{split}", objective)

    for i, step in enumerate([None, *request["steps"]][len(records) :], start=len(records)):
        if i == len(request["done"]):
            first = open_keras(request["model"])
            check_loss(task_for(first), predict(first, arrays["x_train"][:8]), arrays["y_train"][:8])
        if step is None:
            begin(request["seed"])
            model = open_keras(request["model"])
            task = task_for(model)
            for split in ("val", "test"):
                # What a metric of the user's own makes of the test data's y is its own affair.
                if f"y_{split}" in arrays and not (split == "test" and objective.has_own_metric):
                    task_for(model, split)
            records.append(_measure(i, "original", {}, model, task, arrays, request, {}))
        else:
            found = technique(step["technique"])
            options = found.options.model_validate({**step["options"], **step["files"]})
            before = records[-1]["path"] if i > 1 else request["model"]
            model, facts = apply_step(
                i, found, options, request["model"], before, data, request["seed"], progress, objective=objective
            )
            facts |= step["found"]
            task = task_for(model)
            records.append(_measure(i, step["technique"], step["options"], model, task, arrays, request, facts))
        progress(_told(records[-1]))
    return {"records": records}


def apply_step(
    index: int,
    found: Technique,
    options: Options,
    original: str,
    before: str,
    data: Any,
    seed: int,
    progress: Progress,
    watch: Callable[[int, Any], None] | None = None,
    objective: Objective | None = None,
) -> tuple[Any, dict[str, Any]]:
    """Runs in the worker: step `index` of a recipe, on the model file that the step before left.

    A step begins as if it were the first: a new session, its own seed, and models read from their files. `original` is
    the file that the recipe began with, `watch` as in Context.
    """
    from .task import task_of
    from .training import Context

    begin(seed + index)
    first = open_keras(original)
    model = open_keras(before) if before != original else first
    context = Context(task_of(model, data.y, "y_train", objective), first, seed + index, progress, open_keras, watch)
    model, facts = found.apply(model, data, options, context)
    return model, facts


def begin(seed: int) -> None:
    """A new session of TensorFlow's with its own seed."""
    import tf_keras

    tf_keras.backend.clear_session()
    tf_keras.utils.set_random_seed(seed)


def deterministic() -> None:
    """The same weights from the same input, in this process."""
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()


def _measure(
    index: int,
    name: str,
    options: dict[str, Any],
    model: Any,
    task: Any,
    arrays: dict[str, Any],
    request: dict[str, Any],
    facts: dict[str, Any],
) -> dict[str, Any]:
    from .training import predict

    split = next((s for s in ("test", "val") if f"y_{s}" in arrays and f"x_{s}" in arrays), "")
    value, samples = None, 0
    if split:
        x, y = arrays[f"x_{split}"], arrays[f"y_{split}"]
        value, samples = task.score(predict(model, x), y), len(x)
    row = {
        "index": index,
        "technique": name,
        "options": options,
        "parameters": count_parameters(model),
        "nonzero_share": _nonzero_share(w.numpy() for w in model.trainable_weights if w.shape.rank >= 2),
        "metric": task.metric if split else "",
        "value": value,
        "split": split,
        "samples": samples,
        "facts": facts,
    }

    def save(path: Path) -> None:
        model.save(path, include_optimizer=False, save_format="h5")

    return write_finished(Path(request["work"]), request["keys"][index], row, save)


def _nonzero_share(kernels: Iterable[Any]) -> float:
    counts = [(int(np.count_nonzero(k)), int(k.size)) for k in kernels]
    total = sum(size for _, size in counts)
    return sum(nonzero for nonzero, _ in counts) / total if total else 1.0


def _told(record: dict[str, Any]) -> str:
    value = "" if record["value"] is None else f", {record['metric']} {record['value']:.4f}"
    zeros = 100 * (1 - record["nonzero_share"])
    return f"{record['technique']}: {record['parameters']} parameters, {zeros:.1f} % zeros{value}"
