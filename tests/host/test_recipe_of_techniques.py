"""The techniques as steps of one recipe, in the worker that trains: saved, measured, and few integers in int8."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from digits_training import digits

from tinygen.compress.registry import technique
from tinygen.compress.runner import run_recipe
from tinygen.config import Step
from tinygen.dataset import load_data
from tinygen.frontend.keras_loader import load_model
from tinygen.frontend.quantize import quantize_loaded

pytestmark = [pytest.mark.needs_tensorflow, pytest.mark.slow]


def test_smaller_sparse_and_clustered(tmp_path: Path) -> None:
    import keras
    import tensorflow as tf

    data, x, y = digits()
    np.savez(tmp_path / "data.npz", x_train=data.x, y_train=data.y, x_test=x, y_test=y)
    k = keras.layers
    keras.utils.set_random_seed(0)
    layers = [k.Flatten(), k.Dense(64, activation="relu", name="hidden"), k.Dense(10, name="output")]
    keras.Sequential([keras.Input((8, 8, 1)), *layers]).save(tmp_path / "model.keras")

    def step(name: str, **options: Any) -> Step:
        given = {"learning_rate": 3e-3, **options}
        return Step(technique=name, options=technique(name).options.model_validate(given))

    steps = [
        step("finetune", epochs=12),
        step("structured_prune", share=0.5, epochs=6),
        step("sparse_training", sparsity=0.5, distribution="uniform", epochs=12, update_every=10),
        step("cluster", values=16, epochs=6, learning_rate=1e-3),
    ]
    loaded, arrays = load_model(tmp_path / "model.keras", tmp_path), load_data(tmp_path / "data.npz")
    records = run_recipe(loaded, arrays, steps, tmp_path, load=lambda path: load_model(path, tmp_path))
    sizes = [r.parameters for r in records]
    assert sizes == [4810, 4810, 2410, 2410, 2410]
    assert [round(r.nonzero_share, 1) for r in records] == [1.0, 1.0, 1.0, 0.5, 0.5]
    values = [r.value or 0.0 for r in records]
    assert values[1] > 0.9 and values[-1] > values[1] - 0.04
    [result] = quantize_loaded([records[-1].model], arrays, samples=30)
    interpreter = tf.lite.Interpreter(model_content=result.tflite)
    stored = {}
    for tensor in interpreter.get_tensor_details():
        if tuple(tensor["shape"]) in ((32, 64), (10, 32)):
            stored[tuple(tensor["shape"])] = interpreter.get_tensor(tensor["index"])
    assert all(len(np.unique(w)) <= 16 and 0.47 < (w == 0).mean() < 0.6 for w in stored.values()) and len(stored) == 2
