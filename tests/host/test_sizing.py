"""A student sized to a board: its trained firmware stays below the limit, and the next wider one would not."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from digits_training import digits

from tinygen.boards import load_board
from tinygen.checking import planned_budget
from tinygen.compiled import Model, compile_model
from tinygen.compress.registry import Wish, technique
from tinygen.compress.runner import run_recipe
from tinygen.config import Step
from tinygen.dataset import load_data
from tinygen.errors import OverBudget
from tinygen.frontend.keras_loader import load_model
from tinygen.frontend.quantize import quantize_loaded
from tinygen.sizing import fitter, size_job

pytestmark = [pytest.mark.needs_tensorflow, pytest.mark.slow]

BOARD = "nucleo_f446re"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import keras

    folder = tmp_path_factory.mktemp("sizing")
    data, x, y = digits()
    np.savez(folder / "data.npz", x_train=data.x * 16, y_train=data.y, x_test=x * 16, y_test=y)
    k = keras.layers
    stack = [k.Rescaling(1 / 16), k.Flatten(), k.Dense(10, activation="softmax")]
    keras.Sequential([keras.Input((8, 8, 1)), *stack]).save(folder / "teacher.keras")
    return folder


def test_the_widest_below_a_limit_of_weights(folder: Path, tmp_path: Path) -> None:
    loaded, data = load_model(folder / "teacher.keras", tmp_path), load_data(folder / "data.npz")
    found: list[Any] = []

    def fit(wish: Wish) -> tuple[float, dict[str, Any]]:
        found.append(fitter(loaded, data, BOARD)(wish))
        return found[0]

    distill = technique("distill").options
    options: dict[str, Any] = {"student": "conv2d", "depth": 2, "epochs": 2}
    limited = distill.model_validate({**options, "max_weights": "1.5K"})
    sized, facts = limited.sized(fit)
    [(multiplier, told)] = found
    assert facts == {"sized": told} and told["limits"] == {"max_weights": 1536} and told["conversions"] <= 6
    wider = distill.model_validate({**options, "multiplier": told["next"]["multiplier"]})
    steps = [Step(technique="distill", options=o) for o in (limited, wider)]
    records = run_recipe(loaded, data, steps, tmp_path / "steps", load=lambda path: loaded, fit=lambda wish: found[0])
    assert records[1].facts["sized"] == told and records[1].options["multiplier"] == multiplier
    assert sized.multiplier == multiplier and "sized" not in records[2].facts  # type: ignore[attr-defined]
    made = quantize_loaded([record.model for record in records[1:]], data)
    models = [Model("model", result.tflite, preprocess=result.preprocess) for result in made]
    fits, over = (compile_model(model, load_board(BOARD)) for model in models)
    budget = planned_budget(fits)
    assert told["weights_bytes"] <= 1536 and 0 <= told["weights_bytes"] - fits.weights_bytes <= 64
    assert budget.flash.used_bytes <= told["flash_bytes"] and budget.ram.used_bytes == told["ram_bytes"]
    assert told["next"]["over"] == "weights" and over.weights_bytes > 1536


def test_ram_binds_too_and_nothing_may_fit(folder: Path, tmp_path: Path) -> None:
    loaded = load_model(folder / "teacher.keras", tmp_path)
    np.save(tmp_path / "samples.npy", digits()[0].x[:8] * 16)
    request: dict[str, Any] = {
        "teacher": loaded.path, "samples": str(tmp_path / "samples.npy"), "board": BOARD, "runtime": "aot",
        "project": "platformio", "seed": 0,
        "precision": "int8", "optimize": "balanced", "name": "model", "version": "1.0", "labels": [],
        "preprocess": None, **asdict(Wish("conv2d", 1, 3, None, None, 2400)),
    }  # fmt: skip
    told = size_job(request, lambda line: None)
    assert told["ram_bytes"] <= 2400 and told["next"]["over"] == "RAM"
    with pytest.raises(OverBudget, match="the narrowest conv2d does not fit") as caught:
        size_job({**request, "max_ram": None, "max_weights": 16}, lambda line: None)
    assert "over in weights" in caught.value.line
