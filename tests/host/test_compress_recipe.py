"""Recipes on small models: zeros that stay, students that learn, records after every step, the same weights twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinygen.compress.registry import technique, technique_names
from tinygen.compress.runner import StepRecord, run_recipe
from tinygen.config import Step
from tinygen.dataset import load_data
from tinygen.errors import BadInput
from tinygen.frontend.keras_loader import load_model
from tinygen.frontend.quantize import quantize_loaded
from tinygen.model_file import LoadedModel

pytestmark = [pytest.mark.needs_tensorflow, pytest.mark.slow]


def step(name: str, **options: Any) -> Step:
    return Step(technique=name, options=technique(name).options.model_validate(options))


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two-axis data of three classes, told apart by where a bump lies; the model is untrained and has a branch."""
    import keras

    folder = tmp_path_factory.mktemp("classes")
    random = np.random.default_rng(0)
    arrays = {}
    for split, n in (("train", 240), ("test", 90)):
        y = random.integers(0, 3, n)
        x = random.normal(0, 0.2, (n, 12, 2))
        for i, c in enumerate(y):
            x[i, 4 * c : 4 * c + 4, 0] += 1.0
        arrays.update({f"x_{split}": (x * 10 + 5).astype(np.float32), f"y_{split}": y})
    np.savez(folder / "data.npz", **arrays)
    keras.utils.set_random_seed(1)
    k = keras.layers
    inputs = keras.Input((12, 2))
    x = k.Conv1D(8, 3, padding="same", activation="relu", name="first")(k.Rescaling(0.5)(inputs))
    x = k.Add()([x, k.SeparableConv1D(8, 3, padding="same")(x)])
    inner = keras.Sequential([keras.Input((12, 8)), k.Conv1D(8, 1, name="inside"), k.ReLU()], name="inner")
    outputs = k.Dense(3, activation="softmax", name="last")(k.Flatten()(inner(x)))
    keras.Model(inputs, outputs).save(folder / "teacher.keras")
    keras.Sequential([keras.Input((12, 2)), k.Flatten(), k.Dense(6, activation="relu"), k.Dense(3)]).save(
        folder / "own.keras"
    )
    return folder


def run(folder: Path, work: Path, *steps: Step, **options: Any) -> list[StepRecord]:
    loaded = load_model(folder / "teacher.keras", work)
    options = {"mean": (5.0,), "std": (10.0,), "load": lambda path: load_model(path, work), **options}
    return run_recipe(loaded, load_data(folder / "data.npz"), steps, work, **options)


def layer_zeros(record: StepRecord) -> dict[str, float]:
    import tf_keras

    model = tf_keras.models.load_model(record.model.path, compile=False)
    return {w.name: float((w.numpy() == 0).mean()) for w in model.trainable_weights if w.shape.rank >= 2}


def test_a_recipe_of_three_steps(classes: Path, tmp_path: Path) -> None:
    said: list[str] = []
    records = run(
        classes,
        tmp_path,
        step("finetune", epochs=25, learning_rate=0.01),
        step("prune", sparsity=0.7, epochs=12, skip=["last"]),
        step("finetune", epochs=3, learning_rate=0.01),
        seed=4,
        progress=said.append,
    )
    assert [r.technique for r in records] == ["original", "finetune", "prune", "finetune"]
    assert [r.index for r in records] == [0, 1, 2, 3]
    assert all((r.metric, r.split, r.samples) == ("accuracy", "test", 90) for r in records)
    assert records[0].value is not None and records[0].value < 0.8 and records[0].nonzero_share == 1.0
    assert records[1].value is not None and records[1].value > 0.9
    assert records[3].value is not None and records[3].value > 0.9
    zeros = layer_zeros(records[2])
    assert {name.partition("/")[0] for name, share in zeros.items() if share > 0.6} >= {"first", "inside"}
    assert all(share == 0 for name, share in zeros.items() if name.startswith("last"))
    after = layer_zeros(records[3])
    assert all(after[name] >= share for name, share in zeros.items()), "fine-tuning keeps every zero"
    assert records[3].nonzero_share <= records[2].nonzero_share < 1.0
    assert sum("epoch" in line for line in said) == 40 and any("% zeros, accuracy" in line for line in said)


def test_the_zeros_are_in_the_int8_model(classes: Path, tmp_path: Path) -> None:
    import tensorflow as tf

    records = run(classes, tmp_path, step("prune", sparsity=0.5, epochs=4, schedule="constant"))
    [result] = quantize_loaded([records[1].model], load_data(classes / "data.npz"), mean=(5.0,), std=(10.0,))
    interpreter = tf.lite.Interpreter(model_content=result.tflite)
    shares = []
    for tensor in interpreter.get_tensor_details():
        if tensor["dtype"] == np.int8 and len(tensor["shape"]) >= 2 and tensor["shape"][0] > 1:
            try:
                shares.append(float((interpreter.get_tensor(tensor["index"]) == 0).mean()))
            except ValueError:
                continue  # an activation, which has no value yet
    assert len(shares) >= 3 and sum(share >= 0.49 for share in shares) >= 3


def test_same_seed_same_weights(classes: Path, tmp_path: Path) -> None:
    import tf_keras

    def weights(name: str, seed: int) -> list[Any]:
        (tmp_path / name).mkdir()
        steps = (step("distill", epochs=3, width=4), step("prune", sparsity=0.5, epochs=3))
        record = run(classes, tmp_path / name, *steps, seed=seed)[-1]
        return list(tf_keras.models.load_model(record.model.path, compile=False).get_weights())

    first, again, other = weights("a", 1), weights("b", 1), weights("c", 2)
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert not all((a == b).all() for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize("student", ["auto", "conv1d", "dense", "own.keras"])
def test_students(classes: Path, tmp_path: Path, student: str) -> None:
    name = str(classes / student) if student.endswith(".keras") else student
    options: dict[str, Any] = {"student": name, "epochs": 40, "width": 6, "learning_rate": 0.01, "batch_size": 16}
    teach = step("finetune", epochs=25, learning_rate=0.01)
    records = run(classes, tmp_path, teach, step("distill", **options))
    student_record = records[2]
    assert student_record.value is not None and student_record.value > 0.85
    assert student_record.model.output_shape == (1, 3) and student_record.parameters != records[1].parameters


def test_the_teacher_alone_is_enough_to_learn_from(classes: Path, tmp_path: Path) -> None:
    """With alpha 1 the labels do not count: wrong labels must not harm, and with alpha 0 they must."""
    with np.load(classes / "data.npz") as archive:
        arrays = dict(archive)
    folder = tmp_path / "wrong"
    folder.mkdir()
    teach = step("finetune", epochs=25, learning_rate=0.01)
    taught = run(classes, tmp_path, teach)[1].model
    arrays["y_train"] = (arrays["y_train"] + 1) % 3
    np.savez(folder / "data.npz", **arrays)
    values = []
    for alpha in (1.0, 0.0):
        steps = [step("distill", alpha=alpha, epochs=30, width=6, learning_rate=0.01)]
        data = load_data(folder / "data.npz")
        records = run_recipe(taught, data, steps, folder, mean=(5.0,), std=(10.0,), load=lambda p: taught)
        values.append(records[1].value)
    assert values[0] is not None and values[0] > 0.85
    assert values[1] is not None and values[1] < 0.3


@pytest.mark.parametrize(
    ("outputs", "activation", "metric"), [(1, "sigmoid", "accuracy"), (1, None, "accuracy"), (2, None, "mse")]
)
def test_other_tasks(tmp_path: Path, outputs: int, activation: str | None, metric: str) -> None:
    import keras

    random = np.random.default_rng(0)
    x = random.normal(size=(300, 5)).astype(np.float32)
    y = x[:, :2] * 0.5 if metric == "mse" else (x[:, 0] > x[:, 1]).astype(np.int64)
    np.savez(tmp_path / "data.npz", x_train=x[:200], y_train=y[:200], x_val=x[200:], y_val=y[200:])
    k = keras.layers
    model = keras.Sequential(
        [keras.Input((5,)), k.Dense(16, activation="relu"), k.Dense(outputs, activation=activation)]
    )
    model.save(tmp_path / "teacher.keras")
    steps = [step("finetune", epochs=25, learning_rate=0.01), step("distill", epochs=25, width=8, learning_rate=0.01)]
    records = run(tmp_path, tmp_path, *steps, mean=(), std=())
    assert {r.metric for r in records} == {metric} and {r.split for r in records} == {"val"}
    before, taught, student = (r.value or 0.0 for r in records)
    if metric == "mse":
        assert taught < 0.5 * before and student < 0.5 * before
    else:
        assert taught > 0.9 and student > 0.9


def test_refusals(classes: Path, tmp_path: Path) -> None:
    loaded = load_model(classes / "teacher.keras", tmp_path)
    data = load_data(classes / "data.npz")
    prune = step("prune", sparsity=0.5, epochs=1)

    def line(model: LoadedModel, arrays: dict[str, Any], *steps: Step) -> str:
        with pytest.raises(BadInput) as caught:
            run_recipe(model, replace(data, arrays=arrays), steps, tmp_path, load=lambda p: load_model(p, tmp_path))
        assert "\n" not in caught.value.line
        return caught.value.line

    x, y = data.arrays["x_train"], data.arrays["y_train"]
    assert "can be quantized, not compressed" in line(replace(loaded, kind="graph"), data.arrays, prune)
    assert "x_train or y_train is missing" in line(loaded, {"x_train": x}, prune)
    assert "classes from 0 to 7, but the model has 3 outputs" in line(
        loaded, {"x_train": x, "y_train": y % 3 * 3 + (y == 2)}, prune
    )
    assert "y has 5 values a sample, the model 3 outputs" in line(
        loaded, {"x_train": x, "y_train": np.ones((len(x), 5))}, prune
    )
    assert "no layer 'lst'. Hint: did you mean 'last'?" in line(
        loaded, data.arrays, step("prune", sparsity=0.5, skip=["lst"])
    )
    wrong = step("distill", student="conv2d")
    assert "Student 'conv2d' wants an input of 3 axes" in line(loaded, data.arrays, wrong)


def test_techniques_are_found_by_folder() -> None:
    assert {"distill", "finetune", "prune"} <= set(technique_names())
    assert technique("prune").summary.startswith("Magnitude pruning")
    with pytest.raises(BadInput, match="did you mean 'prune'"):
        technique("pruned")
