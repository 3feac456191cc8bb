"""Students sized to a board: the widest backbone whose int8 firmware stays below limits of weights, flash and RAM.

1. A multiplier n/64 is tried by what will be done to the student itself: an untrained one behind the teacher's ends is
   built, converted to int8 on samples of the data, compiled for the board, and its budget planned.
2. What a try uses of its scarcest limit grows with n. Between the widest that fits and the narrowest that does not, the
   next n is where a power law through both meets the limit, or the middle where that closes in from one side alone.
3. The search ends where n fits and n + 1 does not. Widths of the same shapes are one try, and one whose weights are
   more than twice a limit is refused without a conversion: 4 bits are the least that a weight is stored in.

Constants that are equal by chance (shifts of two layers) stand in flash once; after training they may differ, so here
every layer counts its own. Memory need not grow with every single step: a wider one that fits by chance beyond n + 1 is
not looked for.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from .backends.aot import layer_weights_bytes
from .boards import load_board
from .checking import planned_budget, planned_tflm_budget
from .compiled import Model, compile_model
from .compress.registry import Fitter, Wish
from .dataset import DataSet
from .errors import OverBudget
from .frontend.representative import representative_samples
from .model_file import LoadedModel
from .ops.lowering import Optimize
from .preprocess import from_mean_std
from .project import Kind, Preprocess
from .quantization_aware import open_keras
from .units import format_size
from .worker import Progress, run_job

STEPS = 64
_WIDEST, _FIRST, _SAMPLES = 4 * STEPS, STEPS // 4, 16


@dataclass(frozen=True)
class Tried:
    """What a student of one width takes, and of which limit the most; `ratio` is that part, above 1 where it is over.

    A try without a conversion knows its weights alone, and those from below.
    """

    multiplier: float
    weights_bytes: int
    flash_bytes: int | None
    ram_bytes: int | None
    scarcest: str
    ratio: float


def fitter(
    model: LoadedModel, data: DataSet, board: str, *, mean: Sequence[float] = (), std: Sequence[float] = (),
    runtime: str = "aot", project: Kind = "platformio", optimize: Optimize = "balanced",
    precision: str = "int8", seed: int = 0, name: str = "model", version: str = "1.0", labels: tuple[str, ...] = (),
    progress: Progress | None = None,
) -> Fitter:  # fmt: skip
    """What sizes the students of `model`'s recipe to `board`; it runs in a process of its own.

    `name`, `version` and `labels` are in the firmware too. Mixed precision is held to what int16x8 takes, which is the
    most that it can. It raises OverBudget where the narrowest is too large.
    """

    def fit(wish: Wish) -> tuple[float, dict[str, Any]]:
        preprocess = from_mean_std(mean, std, model.input_shape)
        with tempfile.TemporaryDirectory(prefix="tinygen-") as work:
            samples = Path(work) / "samples.npy"
            np.save(samples, representative_samples(data, model.input_shape, preprocess, _SAMPLES, seed))
            request = {
                "teacher": model.path, "samples": str(samples), "board": board, "runtime": runtime,
                "project": project, "seed": seed,
                "precision": "int16x8" if precision == "mixed" else precision, "optimize": optimize,
                "name": name, "version": version, "labels": labels,
                "preprocess": preprocess.model_dump() if preprocess else None, **asdict(wish),
            }  # fmt: skip
            found = run_job("tinygen.sizing:size_job", request, timeout_seconds=3600.0, progress=progress)
        return float(found["multiplier"]), found

    return fit


def size_job(request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Runs in the worker: the widest that fits, the next that does not, and how many were converted."""
    teacher, tried = open_keras(request["teacher"]), {}
    seen: dict[tuple[Any, ...], Tried] = {}
    converted = 0

    def attempt(n: int) -> float:
        nonlocal converted
        student = _untrained(teacher, request, n / STEPS)
        shapes = tuple(tuple(w.shape) for w in student.weights)
        if shapes not in seen:
            seen[shapes] = _too_large(student, request, n) or _planned(student, request, n)
            converted += seen[shapes].flash_bytes is not None
        tried[n] = seen[shapes]
        progress(f"sizing {request['student']}: {_told(tried[n], n)}")
        return tried[n].ratio

    n = widest(attempt, _WIDEST, _FIRST)
    if n == 0:
        raise OverBudget(
            f"distill: the narrowest {request['student']} does not fit {request['board']}: {_told(tried[1], 1)}.",
            "Fewer blocks by depth, another student, or more room.",
        )
    limits = {key: request[key] for key in ("max_weights", "max_flash", "max_ram") if request[key] is not None}
    found = {**asdict(tried[n]), "multiplier": n / STEPS, "limits": limits, "board": request["board"]}
    after = {"multiplier": (n + 1) / STEPS, "over": tried[n + 1].scarcest} if n + 1 in tried else None
    return {**found, "source": "planned", "next": after, "conversions": converted}


def widest(ratio: Callable[[int], float], most: int, first: int) -> int:
    """The n from 1 to `most` with ratio(n) <= 1 < ratio(n + 1), found from `first` on; 0 where ratio(1) > 1."""
    low, high = (0, 0.0), (most + 1, math.inf)
    n, one_sided = first, 0
    while high[0] - low[0] > 1:
        r = ratio(n)
        fits = r <= 1.0
        one_sided = max(one_sided, 0) + 1 if fits else min(one_sided, 0) - 1
        low, high = ((n, r), high) if fits else (low, (n, r))
        n = _next(low, high, abs(one_sided) > 1)
    return low[0]


def _next(low: tuple[int, float], high: tuple[int, float], halve: bool) -> int:
    """A number strictly between, where there is one; a bound that is alone is scaled as weights grow, by the square."""
    if low[0] == 0:
        wanted = high[0] / 2 if halve else high[0] * high[1] ** -0.5
    elif math.isinf(high[1]):
        wanted = low[0] * (2.0 if halve else min(max(low[1], 1e-3) ** -0.5, 4.0))
    elif halve:
        wanted = (low[0] + high[0]) / 2
    else:
        slope = math.log(high[1] / low[1]) / math.log(high[0] / low[0])
        wanted = low[0] * low[1] ** (-1 / slope) if slope > 0 else (low[0] + high[0]) / 2
    return max(low[0] + 1, min(high[0] - 1, math.floor(wanted)))


def _untrained(teacher: Any, request: dict[str, Any], multiplier: float) -> Any:
    """A student with no dead unit and no zero bias, so that every range has a width, as in a trained one."""
    import tf_keras

    from .compress.students import build_student

    tf_keras.utils.set_random_seed(request["seed"])
    student = build_student(
        teacher, request["student"], multiplier=multiplier, depth=request["depth"], kernel=request["kernel"]
    )
    random = np.random.default_rng(request["seed"])
    for weight in student.trainable_weights:
        if weight.shape.rank == 1:
            weight.assign(weight + random.uniform(0.1, 0.5, weight.shape))
    return student


def _too_large(student: Any, request: dict[str, Any], n: int) -> Tried | None:
    least = sum(int(w.shape.num_elements()) for w in student.trainable_weights if w.shape.rank >= 2) // 2
    limits = {"weights": request["max_weights"], "flash": request["max_flash"]}
    over = {key: least / limit for key, limit in limits.items() if limit is not None and least > limit}
    scarcest = max(over, key=lambda key: over[key], default="")
    return Tried(n / STEPS, least, None, None, scarcest, over[scarcest]) if over else None


def _planned(student: Any, request: dict[str, Any], n: int) -> Tried:
    import tf_keras

    from .frontend.quantize import quantized_here

    given = Preprocess.model_validate(request["preprocess"]) if request["preprocess"] else None
    with tempfile.TemporaryDirectory(prefix="tinygen-") as work:
        path = Path(work) / "student.h5"
        student.save(path, include_optimizer=False, save_format="h5")
        tflite, kept = quantized_here(
            path, Path(request["samples"]), name=request["student"], precision=request["precision"], preprocess=given
        )
    model = Model(request["name"], tflite, request["version"], tuple(request["labels"]), preprocess=kept)
    tf_keras.backend.clear_session()
    return _held(model, request, n)


def _held(model: Model, request: dict[str, Any], n: int) -> Tried:
    """The planned budget beside the limits; the board's own hold too."""
    board, limits = load_board(request["board"]), {key: request[key] for key in ("max_flash", "max_ram", "project")}
    if request["runtime"] == "tflm":
        report = planned_tflm_budget(model, board, **limits)
    else:
        compiled = compile_model(model, board, optimize=request["optimize"])
        report = planned_budget(compiled, **limits)
        alone = sum(layer_weights_bytes(layer, compiled.graph) for layer in compiled.layers)
        parts = {**report.flash.parts, "weights": max(alone, compiled.weights_bytes)}
        report = replace(report, flash=replace(report.flash, parts=parts))
    weights, flash, ram = report.flash.parts["weights"], report.flash, report.ram
    ratios = {"flash": flash.used_bytes / flash.limit_bytes, "RAM": ram.used_bytes / ram.limit_bytes}
    if request["max_weights"] is not None:
        ratios["weights"] = weights / request["max_weights"]
    scarcest = max(ratios, key=lambda key: ratios[key])
    return Tried(n / STEPS, weights, flash.used_bytes, ram.used_bytes, scarcest, ratios[scarcest])


def _told(tried: Tried, n: int) -> str:
    if tried.flash_bytes is None or tried.ram_bytes is None:
        return f"multiplier {n / STEPS:g}, too large by its weights alone"
    sizes = [format_size(size) for size in (tried.weights_bytes, tried.flash_bytes, tried.ram_bytes)]
    verdict = "fits" if tried.ratio <= 1 else f"over in {tried.scarcest}"
    return f"multiplier {n / STEPS:g}, weights {sizes[0]}, flash {sizes[1]}, RAM {sizes[2]}, {verdict}"
