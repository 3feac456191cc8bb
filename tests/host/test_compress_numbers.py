"""Recipes for regressors and auto-encoders: judged by one metric in float and of the int8 bits, the user's own too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import tinygen

pytestmark = [pytest.mark.needs_tensorflow, pytest.mark.slow]

RECIPE = """
[train]
learning_rate = 0.01

[[compress]]
technique = "finetune"
epochs = 60

[[compress]]
technique = "distill"
student = "dense"
epochs = 60
width = 5

[[compress]]
technique = "prune"
epochs = 20
sparsity = 0.4
"""


def compressed(folder: Path, data: str, metric: str = "mse", more: str = "") -> list[dict[str, Any]]:
    (folder / "r.toml").write_text(RECIPE.replace("[train]", f"[train]\n{more}"))
    done = tinygen(
        "compress", "m.keras", "--data", data, "--recipe", "r.toml", "-o", "o.h5", "--json", "o.json", cwd=folder
    )
    assert done.code == 0, done.err
    assert metric in done.out.splitlines()[1] and "int8" in done.out
    return list(json.loads((folder / "o.json").read_text())["steps"])


def test_a_regressor_from_a_function(tmp_path: Path) -> None:
    import keras

    k = keras.layers
    keras.utils.set_random_seed(0)
    keras.Sequential([keras.Input((4,)), k.Dense(24, activation="relu"), k.Dense(1)]).save(tmp_path / "m.keras")
    (tmp_path / "mine.py").write_text(
        "import numpy as np\n"
        "def load():\n"
        "    x = np.random.default_rng(0).uniform(-1, 1, (400, 4)).astype('float32')\n"
        "    y = (x[:, :1] * 2 - np.abs(x[:, 1:2]))\n"
        "    return {'x_train': x[:300], 'y_train': y[:300], 'x_test': x[300:], 'y_test': y[300:]}\n"
        "def rms(y, outputs):\n"
        "    assert y.shape == outputs.shape == (100, 1)\n"
        "    return np.sqrt(np.mean((y - outputs) ** 2))\n"
    )
    own = 'loss = "huber"\nmetric = "mine:rms"\nmetric_goal = "min"'
    rows = compressed(tmp_path, "mine:load", "rms", own)
    assert {row["metric"] for row in rows} == {"mine:rms"} and {row["accuracy_float"] for row in rows} == {None}
    before, *after = (row["value"] for row in rows)
    assert before > 0.7 and all(value < 0.3 for value in after)
    assert all(abs(row["value_int8"] - row["value"]) < 0.05 for row in rows[1:])
    assert rows[2]["parameters"] != rows[1]["parameters"] and rows[3]["nonzero_share"] < 0.65


def test_an_auto_encoder(tmp_path: Path) -> None:
    """Sixteen values that follow from three: the code is as wide; there is no y, so it learns x."""
    import keras

    random = np.random.default_rng(0)
    x = np.tanh(random.normal(size=(500, 3)) @ random.normal(size=(3, 16))).astype(np.float32)
    np.savez(tmp_path / "d.npz", x_train=x[:400], x_test=x[400:])
    k = keras.layers
    keras.utils.set_random_seed(0)
    layers = [k.Dense(24, activation="relu"), k.Dense(4), k.Dense(24, activation="relu"), k.Dense(16)]
    keras.Sequential([keras.Input((16,)), *layers]).save(tmp_path / "m.keras")
    rows = compressed(tmp_path, "d.npz")
    constant = float(x[400:].var())
    assert {row["metric"] for row in rows} == {"mse"}
    assert rows[0]["value"] > 0.8 * constant and rows[1]["value"] < 0.2 * constant
    assert rows[3]["value"] < 0.5 * constant
    assert all(abs(row["value_int8"] - row["value"]) < 0.05 * constant for row in rows)
