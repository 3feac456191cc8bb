"""`tinygen run`: everything that a tinygen.toml asks for, in order, with one row a step and one project a board."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from .application import Application, AppSection
from .backends.projects import framework_for, require_project
from .boards import BoardProfile, load_board
from .checking import budget_of, with_app
from .compiled import Model, model_name, open_model
from .compress.runner import StepRecord, run_recipe
from .config import Config, load_config
from .dataset import DataSet
from .errors import BadInput, OutputsDiffer, OverBudget
from .frontend.keras_loader import load_model
from .frontend.quantize import QuantizeResult, quantize_loaded
from .measure import Measured, measure_step
from .mixed import MixedOptions, quantize_mixed
from .model_file import LoadedModel
from .objective import LESS_IS_BETTER, MORE_IS_BETTER, Objective, kind_of
from .pipeline import generate
from .simulate.compare import SimulationReport
from .simulation import simulate
from .sizing import fitter
from .steps import accuracies, ratio
from .targets import with_targets
from .usage import REMEDY, BudgetReport, Usage
from .user_data import open_data
from .writing import write_whole

Say = Callable[[str], None]


@dataclass(frozen=True)
class Step:
    """One row: the int8 model after a step of the recipe; `float_value` is the metric of the model before int8.

    `nonzero_share` is the float model's; `compression_ratio` compares the weights in flash with the first row's.
    """

    name: str
    parameters: int
    metric: str
    float_value: float | None
    model: Model
    measured: Measured
    facts: dict[str, Any]
    nonzero_share: float | None = None
    compression_ratio: float | None = None
    reused: bool = False

    def json(self) -> dict[str, Any]:
        """The row as JSON."""
        return {
            "step": self.name,
            "parameters": self.parameters,
            "metric": self.metric,
            "float_value": self.float_value,
            **self.measured.json(),
            **accuracies(self.metric, self.float_value, self.measured.value),
            "nonzero_share": self.nonzero_share,
            "compression_ratio": self.compression_ratio,
            "reused": self.reused,
            "facts": self.facts,
        }


@dataclass(frozen=True)
class BoardResult:
    """The final model on one board."""

    board: str
    project: Path
    budget: BudgetReport
    simulation: SimulationReport

    def json(self) -> dict[str, Any]:
        """As report.json has it."""
        budget, simulation = self.budget.json(), self.simulation.json()
        return {"board": self.board, "project": str(self.project), "budget": budget, "simulation": simulation}


@dataclass(frozen=True)
class RunReport:
    """What `run` found; `pruning` says plainly what pruning saved, `notes` what a reader must know."""

    name: str
    steps: tuple[Step, ...]
    boards: tuple[BoardResult, ...]
    pruning: str
    notes: tuple[str, ...]
    report: Path
    precision: str

    def json(self) -> dict[str, Any]:
        """The "tinygen.run/1" object."""
        return {
            "schema": "tinygen.run/1",
            "model": self.name,
            "precision": self.precision,
            "steps": [step.json() for step in self.steps],
            "boards": [board.json() for board in self.boards],
            "pruning": self.pruning,
            "notes": list(self.notes),
        }


def run(config_path: Path, out: Path | None = None, *, fresh: bool = False, say: Say = lambda _text: None) -> RunReport:
    """Compresses, quantizes, renders, builds, simulates and checks; writes the report, then raises what failed.

    Steps of the recipe that an earlier start finished are taken from `out`/steps, unless `fresh`. OutputsDiffer where
    bits differ, OverBudget where flash, RAM or the accuracy's drop is over its limit.
    """
    config = load_config(config_path)
    boards = [load_board(name) for name in config.target.boards]
    for board in boards:
        require_project(board, config.target.project, config.target.runtime)
    out = out or config_path.resolve().parent / "build"
    check_folder(out)
    objective = config.train.objective(config_path.resolve().parent)
    steps, data = _steps(config, _data(config, config_path, say), objective, out, fresh, say)
    out.mkdir(parents=True, exist_ok=True)
    results = []
    for name, board in zip(config.target.boards, boards, strict=True):
        say(f"{board.name}: render, build, simulate")
        results.append(_on_board(config, steps[-1].model, name, board, data, objective, out))
    report = RunReport(
        name=steps[-1].model.name,
        steps=steps,
        boards=tuple(results),
        pruning=_pruning(steps),
        notes=_notes(config, data, steps),
        report=out / "report.json",
        precision=config.quantize.precision,
    )
    write_whole(report.report, (json.dumps(report.json(), indent=1) + "\n").encode())
    return report


def _data(config: Config, config_path: Path, say: Say) -> DataSet | None:
    if config.data is None:
        return None
    return open_data(config.data.file or config.data.python, config_path.resolve().parent, say)


def check_folder(out: Path) -> None:
    """BadInput before any work where the results could not be written; nothing is made yet."""
    place = next(p for p in (out, *out.absolute().parents) if p.exists())
    if not place.is_dir() or not os.access(place, os.W_OK):
        raise BadInput(f"{out}: cannot be written, {place} is no folder that takes files.", "-o names another.")


def require(report: RunReport, config_path: Path) -> None:
    """Raises what the report shows to have failed: OutputsDiffer, OverBudget."""
    config = load_config(config_path)
    for result in report.boards:
        simulation = result.simulation.json()
        if simulation["mismatched_samples"]:
            count = f"{simulation['mismatched_samples']} of {simulation['samples']}"
            raise OutputsDiffer(f"{result.board}: {count} samples differ from the reference.", f"See {report.report}.")
    over = [result.budget.shortage for result in report.boards if not result.budget.fits]
    if over:
        raise OverBudget(" ".join(over), REMEDY)
    lost, limit = _lost(report.steps, config), _limit_of_metric(config)
    if lost is not None and limit is not None and lost > limit:
        name = report.steps[-1].metric
        moved = f"rose by {lost:.4f} over" if _is_less_better(config, name) else f"fell by {lost:.4f} from"
        raise OverBudget(
            f"{name[0].upper() + name[1:]} {moved} the float model's, the budget allows {limit:.4f}.",
            "More epochs, a wider student or less sparsity.",
        )


def _limit_of_metric(config: Config) -> float | None:
    limits = [x for x in (config.budget.accuracy_drop, config.budget.metric_loss) if x is not None]
    return min(limits, default=None)


def _is_less_better(config: Config, metric: str) -> bool:
    return config.train.metric_goal == "min" if ":" in metric else metric in LESS_IS_BETTER


def _lost(steps: Sequence[Step], config: Config) -> float | None:
    """How much worse the metric of the last step's bits is than that of the float model; None where one is unknown."""
    first, last = steps[0].float_value, steps[-1].measured.value
    if first is None or last is None:
        return None
    return last - first if _is_less_better(config, steps[-1].metric) else first - last


def _require_share(config: Config, data: DataSet, model: LoadedModel, objective: Objective) -> None:
    """BadInput where accuracy_drop is asked of a metric that is no share; before anything trains."""
    held = data.held_out
    if config.budget.accuracy_drop is None or held is None:
        return
    metric = objective.metric_of(kind_of(held[2], math.prod(model.output_shape[1:])))
    if metric not in MORE_IS_BETTER:
        raise BadInput(
            f"budget.accuracy_drop is of {', '.join(MORE_IS_BETTER)}; the metric here is {metric}.",
            "budget.metric_loss bounds any metric, in its own unit.",
        )


def _steps(
    config: Config, data: DataSet | None, objective: Objective, out: Path, fresh: bool, say: Say
) -> tuple[tuple[Step, ...], DataSet | None]:
    """A row a step of the recipe, each quantized and measured on the first board, and the data with its targets."""
    optimize = config.target.optimize
    board = config.target.boards[0]
    name = model_name(config.model.name, given=True) if config.model.name else model_name(config.model.path.stem)
    version = config.model.version or "1.0"
    mean, std = config.input.mean, config.input.std
    if config.model.path.suffix == ".tflite":
        if config.compress:
            raise BadInput(f"{config.model.path}: a .tflite is not compressed further.", "Give the Keras model.")
        labels = config.model.labels
        model = open_model(config.model.path, name=name, version=version, labels=labels, mean=mean, std=std)
        measured = measure_step(model, board, data, config.target.runtime, optimize=optimize, objective=objective)
        zeros = measured.zero_share
        return (Step("given", measured.parameters, measured.metric, None, model, measured, {}, 1.0 - zeros, 1.0),), data
    if data is None:
        raise BadInput(f"{config.model.path}: a Keras model needs data to be quantized.", '[data] file = "data.npz"')
    with tempfile.TemporaryDirectory(prefix="tinygen-") as work:
        say("loading the model")
        loaded = load_model(config.model.path, work, progress=say)
        if config.compress or objective.metric:
            data = with_targets(data, loaded, mean, std)
        _require_share(config, data, loaded, objective)
        if config.compress:
            records = run_recipe(
                loaded, data, config.compress, out / "steps", seed=config.train.seed, mean=mean, std=std,
                objective=objective, load=lambda path: load_model(path, work), fresh=fresh, progress=say, fit=fitter(
                    loaded, data, board, mean=mean, std=std, runtime=config.target.runtime,
                    project=config.target.project, optimize=config.target.optimize,
                    precision=config.quantize.precision, seed=config.train.seed, name=name, version=version,
                    labels=config.model.labels, progress=say,
                ),
            )  # fmt: skip
        else:
            records = [StepRecord(0, "original", {}, loaded.parameters, 1.0, "", None, "", 0, loaded)]
        say(f"quantizing to {config.quantize.precision}")
        quantized = _quantized(config, [r.model for r in records], data, say)
    out.mkdir(parents=True, exist_ok=True)
    steps: list[Step] = []
    for record, result in zip(records, quantized, strict=True):
        model = Model(name, result.tflite, version, config.model.labels, result.preprocess, result.findings)
        write_whole(out / f"step-{record.index}-{record.technique}.tflite", result.tflite)
        say(f"measuring {record.technique} on {Path(board).stem}")
        measured = measure_step(model, board, data, config.target.runtime, optimize=optimize, objective=objective)
        metric = record.metric or measured.metric
        steps.append(
            Step(
                record.technique, record.parameters, metric, record.value, model, measured,
                record.facts | ({"mixed": result.facts} if result.facts else {}),
                nonzero_share=record.nonzero_share if config.compress else 1.0 - measured.zero_share,
                compression_ratio=ratio(steps[0].measured if steps else measured, measured), reused=record.reused,
            )
        )  # fmt: skip
    return tuple(steps), data


def _quantized(config: Config, models: Sequence[LoadedModel], data: DataSet, say: Say) -> list[QuantizeResult]:
    quantize, mean, std = config.quantize, config.input.mean, config.input.std
    if quantize.precision == "mixed":
        return quantize_mixed(
            models, data, MixedOptions(quantize.int16_layers, quantize.min_snr or MixedOptions.min_snr),
            samples=quantize.samples, seed=config.train.seed, mean=mean, std=std, progress=say,
        )  # fmt: skip
    return quantize_loaded(
        models, data, precision=quantize.precision, samples=quantize.samples, seed=config.train.seed, mean=mean,
        std=std, progress=say,
    )  # fmt: skip


def _on_board(
    config: Config, model: Model, name: str, board: BoardProfile, data: DataSet | None, objective: Objective, out: Path
) -> BoardResult:
    project = out / board.name
    target = config.target
    has_app = board.platformio is not None or target.project != "platformio"
    app = Application(config.app, config.input.window, config.input.stride, ramp=True) if has_app else None
    made = generate(
        model, name, project, runtime=target.runtime, project=target.project, optimize=target.optimize, app=app,
        data=data,
    )  # fmt: skip
    simulation = simulate(project, data=data, objective=objective)
    max_flash, max_ram = config.budget.flash, config.budget.ram
    budget = made.budget
    if simulation.flash_bytes is not None and target.runtime != "micropython":
        framework = framework_for(board, target.project, target.runtime)
        budget = budget_of(simulation, board, budget.model, max_flash=max_flash, max_ram=max_ram, framework=framework)
    else:
        flash, ram = _limit(budget.flash, max_flash), _limit(budget.ram, max_ram)
        budget = replace(budget, flash=flash, ram=ram)
    return BoardResult(board.name, project, with_app(budget, made.manifest), simulation)


def _limit(usage: Usage, most: int | None) -> Usage:
    return usage if most is None else replace(usage, limit_bytes=min(usage.limit_bytes, most))


def _pruning(steps: Sequence[Step]) -> str:
    """What pruning saved in flash: the difference between the row and the one before it."""
    told = []
    for before, after in pairwise(steps):
        if after.name == "prune":
            saved = before.measured.flash_bytes - after.measured.flash_bytes
            zeros = 100 * after.measured.zero_share
            plain = "" if saved > 0 else ": no layer saves enough to be stored compressed"
            told.append(f"Pruning to {zeros:.0f} % zeros saved {saved:,} bytes of flash{plain}.")
    return " ".join(told)


def _notes(config: Config, data: DataSet | None, steps: Sequence[Step]) -> tuple[str, ...]:
    notes = []
    if _limit_of_metric(config) is not None and _lost(steps, config) is None:
        notes.append("The budget of the metric is not checked: there is no figure of the float model to compare with.")
    if config.budget.latency is not None:
        notes.append("budget.latency is not checked: no factor from instructions to time is known for the boards.")
    if config.target.runtime == "micropython" and config.app != AppSection.model_validate({}):
        notes.append("[app] is not used: what surrounds a MicroPython module is the project's device/main.py.")
    if data is None or data.held_out is None:
        notes.append("No held-out x_test and y_test: bits were compared on seeded inputs, accuracy was not measured.")
    return tuple(notes)
