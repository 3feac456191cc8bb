"""Metrics by name and of one's own: their values and direction, of a firmware's bits too, and hostile functions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinygen.compress.finished import keys_of
from tinygen.config import load_config, load_recipe_objective
from tinygen.dataset import DataSet
from tinygen.errors import BadInput
from tinygen.metric import score
from tinygen.model_file import LoadedModel
from tinygen.objective import Objective, kind_of
from tinygen.project import TensorRecord
from tinygen.targets import with_targets

CODE = """
import numpy as np
import beside

def worst(y, outputs):
    return np.abs(y - outputs[:, 0]).max()

def fails(y, outputs):
    return 1 / 0

def nan(y, outputs):
    return float("nan")

def many(y, outputs):
    return outputs

number = 3
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(CODE)
    (tmp_path / "beside.py").write_text("")
    return tmp_path


def value(metric: str, outputs: object, y: object, threshold: float = 0.0) -> float:
    rows, targets = np.array(outputs, np.float32), np.array(y)
    return Objective(metric=metric).score(kind_of(targets, rows.shape[1]), rows, targets, threshold)


def test_the_values_of_the_built_in_metrics() -> None:
    three = [[2, 1, 0], [0, 1, 2], [0, 3, 2], [1, 0, 0]]
    assert value("accuracy", three, [0, 2, 2, 0]) == 0.75
    # Class 0: 1; class 1 is said once and never so: 0; class 2: one of two found, one said.
    assert value("f1", three, [0, 2, 2, 0]) == pytest.approx((1 + 0 + 2 / 3) / 3)
    one = [[0.9], [0.2], [0.7], [0.4]]
    assert value("f1", one, [1, 0, 0, 1], 0.5) == pytest.approx(0.5)
    assert value("mse", [[1.0], [3.0]], [[2.0], [1.0]]) == 2.5 and value("mae", [[1.0], [3.0]], [[2.0], [1.0]]) == 1.5


def test_auc_is_the_share_of_pairs_in_order() -> None:
    random = np.random.default_rng(0)
    scores, y = random.integers(0, 6, 40), random.integers(0, 2, 40)
    pairs = [(a > b) + 0.5 * (a == b) for a in scores[y == 1] for b in scores[y == 0]]
    assert value("auc", scores[:, None], y) == pytest.approx(np.mean(pairs))
    both = np.stack([-scores, np.zeros(40)], axis=1)
    assert value("auc", both, y) == pytest.approx(np.mean(pairs))
    with pytest.raises(BadInput, match="all of one class"):
        value("auc", scores[:, None], np.ones(40, np.int64))


def record(dtype: str = "int8", scale: float = 1 / 256, zero_point: int = -128) -> TensorRecord:
    size = {"int8": 1, "int16": 2}[dtype]
    return TensorRecord(name="y", shape=(1, 1), dtype=dtype, bytes=size, scale=scale, zero_point=zero_point)


def test_the_bits_have_the_metric_that_is_asked_for(folder: Path) -> None:
    outputs = [np.int8(q).tobytes() for q in (127, -128, 0, -64)]  # 0.996, 0, 0.5, 0.25
    y = np.array([1, 0, 1, 1])
    assert score(outputs, record(), y) == {"name": "accuracy", "value": 0.5, "samples": 4}
    assert score(outputs, record(), y, Objective(metric="auc"))["value"] == 1.0
    own = Objective(metric="mine:worst", less_is_better=True, folder=str(folder))
    assert score(outputs, record(), y, own) == {"name": "mine:worst", "value": 0.75, "samples": 4}
    assert own.is_less_better("binary") and not Objective().is_less_better("binary")
    wide = [np.int16(q).tobytes() for q in (20000, 9000)]  # a sigmoid in int16: 0.61 and 0.27
    assert score(wide, record("int16", 1 / 32768, 0), np.array([1, 0]))["value"] == 1.0


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("fails", "ZeroDivisionError at mine.py:9"),
        ("nan", "nan on 2"),
        ("many", r"shape \[2, 1\]"),
        ("number", "no fun"),
    ],
)
def test_a_hostile_metric_is_one_line(folder: Path, name: str, told: str) -> None:
    objective = Objective(metric=f"mine:{name}", folder=str(folder))
    with pytest.raises(BadInput, match=told):
        objective.score("numbers", np.ones((2, 1)), np.ones(2), 0.0)


def test_what_does_not_suit_is_refused() -> None:
    for aim in (Objective(metric="accuracy"), Objective(loss="cross_entropy")):
        with pytest.raises(BadInput, match="y is numbers"):
            aim.require_suits("numbers", 3, "d.npz")
    with pytest.raises(BadInput, match="3 classes"):
        Objective(metric="auc").require_suits("classes", 3, "d.npz")


def test_the_source_of_a_function_and_of_what_it_imports_counts(folder: Path) -> None:
    objective = Objective(metric="mine:worst", folder=str(folder))
    (folder / "m.h5").write_bytes(b"weights")
    before, key = objective.sources(), keys_of(folder / "m.h5", {}, 0, [], objective)
    assert set(before["mine:worst"]) == {"mine.py", "beside.py"}
    (folder / "beside.py").write_text("SIZE = 1\n")
    assert objective.sources() != before and keys_of(folder / "m.h5", {}, 0, [], objective) != key


def test_the_keys(tmp_path: Path) -> None:
    recipe = tmp_path / "r.toml"
    recipe.write_text('[train]\nloss = "huber"\nmetric = "mine:worst"\nmetric_goal = "min"\n')
    assert load_recipe_objective(recipe) == Objective("huber", "mine:worst", True, str(tmp_path))
    for wrong, told in [
        ('metric = "acuracy"', "did you mean 'accuracy'"),
        ('metric = "mine:worst"', "needs metric_goal"),
        ('metric = "mse"\nmetric_goal = "min"', "has its direction"),
        ("epoch = 3", "unknown key 'train.epoch'"),
    ]:
        recipe.write_text(f"[train]\n{wrong}\n")
        with pytest.raises(BadInput, match=told):
            load_recipe_objective(recipe)
    whole = tmp_path / "tinygen.toml"
    text = 'schema = 1\n[model]\npath = "m.keras"\n[target]\nboards = ["pico"]\n[budget]\naccuracy_drop = 0.1\n'
    whole.write_text(text + '[train]\nmetric = "mse"\n')
    with pytest.raises(BadInput, match=r"budget\.accuracy_drop: is of accuracy, f1, auc, not of"):
        load_config(whole)


def test_an_auto_encoder_learns_what_it_is_given() -> None:
    shape = (1, 3)
    model = LoadedModel("m", "m.h5", "keras", "m", shape, shape, 0)
    data = DataSet("d.npz", {"x_train": np.ones((4, 3), np.float32), "x_test": np.ones((2, 3), np.float32)})
    made = with_targets(data, model, (3.0,), (2.0,))
    assert (made.arrays["y_train"] == -1).all() and made.arrays["y_test"].shape == (2, 3)
    labelled = DataSet("d.npz", {**data.arrays, "y_train": np.zeros(4)})
    other = LoadedModel("m", "m.h5", "keras", "m", shape, (1, 2), 0)
    assert with_targets(labelled, model) is labelled and with_targets(data, other) is data
