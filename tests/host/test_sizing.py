"""A student sized to a board: its trained firmware stays below the limit, and the next wider one would not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from digits_training import digits

from tinygen.boards import load_board
from tinygen.checking import planned_budget
from tinygen.compiled import Compiled, compile_model, open_model
from tinygen.compress.registry import Wish, technique
from tinygen.compress.runner import run_recipe
from tinygen.config import Step
from tinygen.dataset import load_data
from tinygen.errors import OverBudget
from tinygen.frontend.keras_loader import load_model
from tinygen.sizing import fitter

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


def compiled(path: Path, folder: Path) -> Compiled:
    return compile_model(open_model(path, data=folder / "data.npz", name="model"), load_board(BOARD))


def test_the_widest_below_a_limit_of_weights(folder: Path, tmp_path: Path) -> None:
    loaded, data = load_model(folder / "teacher.keras", tmp_path), load_data(folder / "data.npz")
    options: dict[str, Any] = {"student": "resnet8", "depth": 1, "max_weights": "1.5K", "epochs": 3}
    distill = technique("distill").options
    step = Step(technique="distill", options=distill.model_validate(options))
    fit = fitter(loaded, data, BOARD)
    record = run_recipe(loaded, data, [step], tmp_path / "steps", load=lambda path: loaded, fit=fit)[1]
    sized = record.facts["sized"]
    assert sized["limits"] == {"max_weights": 1536} and sized["conversions"] <= 6
    assert record.options["multiplier"] == sized["multiplier"] and record.options["max_weights"] is None
    firmware = compiled(Path(record.model.path), folder)
    budget = planned_budget(firmware)
    assert 0 <= sized["weights_bytes"] - firmware.weights_bytes <= 64, "but for constants that are equal by chance"
    assert sized["weights_bytes"] <= 1536 and budget.flash.used_bytes <= sized["flash_bytes"]
    assert budget.ram.used_bytes == sized["ram_bytes"]
    wider = {**options, "max_weights": None, "multiplier": sized["next"]["multiplier"], "epochs": 1}
    step = Step(technique="distill", options=distill.model_validate(wider))
    record = run_recipe(loaded, data, [step], tmp_path / "wider", load=lambda path: loaded)[1]
    assert sized["next"]["over"] == "weights" and compiled(Path(record.model.path), folder).weights_bytes > 1536


def test_ram_binds_too_and_nothing_may_fit(folder: Path, tmp_path: Path) -> None:
    loaded, data = load_model(folder / "teacher.keras", tmp_path), load_data(folder / "data.npz")
    fit = fitter(loaded, data, BOARD)
    multiplier, found = fit(Wish("conv2d", 1, 3, None, None, 1800))
    assert found["ram_bytes"] <= 1800 and found["next"]["over"] == "RAM" and multiplier == found["multiplier"]
    with pytest.raises(OverBudget, match="the narrowest conv2d does not fit") as caught:
        fit(Wish("conv2d", 1, 3, 16, None, None))
    assert "over in weights" in caught.value.line
