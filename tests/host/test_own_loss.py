"""A loss of the user's own: what it asks for is learned by both training loops, and a hostile one is one line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinygen.compress.registry import technique
from tinygen.errors import BadInput
from tinygen.objective import Objective

pytestmark = [pytest.mark.needs_tensorflow, pytest.mark.slow]

OWN = """
import tensorflow as tf

def upper(targets, outputs):
    gap = targets - outputs
    return tf.maximum(0.9 * gap, -0.1 * gap)

def leaves_the_graph(targets, outputs):
    if not tf.executing_eagerly():
        raise ValueError("not here")
    return tf.square(targets - outputs)

def constant(targets, outputs):
    return tf.square(targets)

def endless(targets, outputs):
    return tf.math.log(targets - targets) + outputs

def short(targets, outputs):
    return tf.square(targets - outputs)[:1]

def divides(targets, outputs):
    return 1 / 0
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "losses_of_mine", raising=False)
    (tmp_path / "losses_of_mine.py").write_text(OWN)
    return tmp_path


def linear() -> Any:
    import tf_keras

    tf_keras.utils.set_random_seed(0)
    return tf_keras.Sequential([tf_keras.Input((1,)), tf_keras.layers.Dense(2), tf_keras.layers.Dense(1)])


def objective(folder: Path, name: str) -> Objective:
    return Objective(loss=f"losses_of_mine:{name}", folder=str(folder))


@pytest.mark.parametrize(("name", "more"), [("finetune", {}), ("corad", {"gamma": 0.0, "compactness": 0.0})])
def test_nine_of_ten_lie_below_the_quantile(folder: Path, name: str, more: dict[str, float]) -> None:
    """Mean squared error, cross-checked, leaves a half below."""
    from tinygen.compress.task import task_of
    from tinygen.compress.training import Context, TrainingData, predict

    x = np.linspace(-1, 1, 400, dtype=np.float32)[:, None]
    y = x[:, 0] + np.random.default_rng(1).normal(size=400).astype(np.float32)
    shares = []
    for aim in (objective(folder, "upper"), Objective()):
        model, found = linear(), technique(name)
        options = found.options(epochs=12, learning_rate=0.05, batch_size=50, **more)
        context = Context(task_of(model, y, "d", aim), model, 0, lambda _: None, lambda _: None)
        trained, _ = found.apply(model, TrainingData(x, y, x[:0], y[:0]), options, context)
        shares.append(float(np.mean(y < predict(trained, x)[:, 0])))
    assert 0.85 < shares[0] < 0.95 and 0.4 < shares[1] < 0.6


def test_a_hostile_loss_is_one_line_before_it_trains(folder: Path) -> None:
    from tinygen.compress._losses import check_loss
    from tinygen.compress.task import task_of

    y, outputs = np.arange(8, dtype=np.float32), np.ones((8, 1), np.float32)
    for name, told in {
        "leaves_the_graph": "ValueError.*: not here",
        "constant": "no gradient",
        "endless": "not finite",
        "short": r"float32 of shape \(1, 1\) for 8 samples",
        "divides": "ZeroDivisionError at losses_of_mine.py:",
        "absent": "no function 'absent'",
    }.items():
        with pytest.raises(BadInput, match=told) as raised:
            check_loss(task_of(linear(), y, "d", objective(folder, name)), outputs, y)
        assert len(raised.value.line.splitlines()) == 1
    check_loss(task_of(linear(), y, "d", objective(folder, "upper")), outputs, y)
