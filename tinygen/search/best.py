"""The two models around the search: the one that it begins with, and the best, made anew by its own recipe."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..compiled import Model, model_name
from ..compress.runner import run_recipe
from ..config import Config, parse_steps
from ..dataset import DataSet
from ..errors import BadInput, TinygenError
from ..frontend.importer import import_tflite
from ..frontend.keras_loader import load_model
from ..frontend.quantize import quantize_loaded
from ..measure import int8_metric, measure_step
from ..model_file import LoadedModel
from ..writing import write_whole
from .gate import Limits, plan
from .recipe import config_text, recipe_text
from .result import Row
from .space import Candidate, tables

Say = Callable[[str], None]


def measure_origin(
    model: LoadedModel, data: DataSet, config: Config, limits: Limits, say: Say
) -> tuple[dict[str, Any], list[str]]:
    """Sizes and validation metric of the model's own integer firmware, and notes.

    Where it cannot be had, its parameters stand for the bytes of its weights, and nothing for its multiplications.
    """
    say("planning the model itself")
    try:
        precision = config.quantize.precision
        tflite = _quantized(model, data, config, "int8" if precision == "mixed" else precision, say)
        planned = plan(tflite.tflite, Limits(limits.boards, limits.runtime, limits.project, limits.optimize))
        metric = _validation(tflite, data)
    except TinygenError as error:
        note = f"The model itself makes no firmware, speed is not scored: {error.line}"
        return {
            "weights_bytes": model.parameters,
            "macs": None,
            "flash_bytes": None,
            "ram_bytes": None,
            "validation": None,
        }, [note]
    sizes = {key: getattr(planned, key) for key in ("weights_bytes", "macs", "flash_bytes", "ram_bytes")}
    return {**sizes, "validation": metric}, []


def make_best(
    row: Row, model: LoadedModel, data: DataSet, file: Path, config: Config, out: Path, scratch: str, say: Say
) -> dict[str, Any]:
    """Runs the best trial's recipe as `tinygen run` does, writes model and recipe, and touches the test set, once."""
    candidate = Candidate(**row.params)
    found = tables(candidate, config.search, config.train.model_dump())
    problems: list[str] = []
    steps = parse_steps(found, {}, problems)
    if problems:
        raise BadInput(f"trial {row.number}: {'; '.join(problems)}.")
    say(f"trial {row.number} is the best: making it anew by its recipe")
    records = run_recipe(
        model, data, steps, out / "steps", seed=config.train.seed, mean=config.input.mean, std=config.input.std,
        load=lambda path: load_model(path, scratch), progress=say,
    )  # fmt: skip
    made = _quantized(records[-1].model, data, config, candidate.precision, say)
    validation = _validation(made, data)
    say(f"measuring the best on {config.target.boards[0]}")
    held = data if data.pair("test") is not None else None
    target = config.target
    measured = measure_step(made, target.boards[0], held, target.runtime, optimize=target.optimize)
    shutil.copyfile(records[-1].model.path, out / "best.h5")
    title = f"Trial {row.number} ({candidate.title})"
    texts = {
        "best.tflite": made.tflite,
        "recipe.toml": recipe_text(found, config.train.seed, title).encode(),
        "tinygen.toml": config_text(config, found, candidate.precision, file, out, title).encode(),
    }
    for name, content in texts.items():
        write_whole(out / name, content)
    test = {"metric": measured.metric, "value": measured.value, "samples": measured.samples} if held else None
    sizes = "flash_bytes ram_bytes weights_bytes arena_bytes macs instructions source".split()
    return {
        "trial": row.number,
        "params": row.params,
        "score": row.score,
        "validation": validation,
        "repeats": bool(validation) and validation["value"] == row.value_int8,
        "test": test,
        "linked": {key: getattr(measured, key) for key in sizes},
        "recipe": str(out / "recipe.toml"),
        "config": str(out / "tinygen.toml"),
        "model": str(out / "best.h5"),
        "tflite": str(out / "best.tflite"),
    }


def _quantized(model: LoadedModel, data: DataSet, config: Config, precision: Any, say: Say) -> Model:
    [result] = quantize_loaded(
        [model], data, precision=precision, samples=config.quantize.samples, seed=config.train.seed,
        mean=config.input.mean, std=config.input.std, progress=say,
    )  # fmt: skip
    name = model_name(config.model.name)
    labels, version = config.model.labels, config.model.version or "1.0"
    return Model(name, result.tflite, version, labels, result.preprocess, result.findings)


def _validation(model: Model, data: DataSet) -> dict[str, Any]:
    """The metric of the integer bits on the validation data alone."""
    held = DataSet(data.path, {key: data.arrays[key] for key in ("x_val", "y_val")})
    with tempfile.TemporaryDirectory(prefix="tinygen-") as work:
        found = int8_metric(model, import_tflite(model.tflite, model.name, supported_only=False), held, Path(work))
    return found or {}
