"""A recipe that is killed goes on from its last finished step and gives what an uninterrupted one gives, to the bit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import tinygen

pytestmark = [pytest.mark.needs_tensorflow, pytest.mark.slow]

RECIPE = """
[[compress]]
technique = "finetune"
epochs = 3
learning_rate = 0.01

[[compress]]
technique = "distill"
epochs = 3
width = 4

[[compress]]
technique = "prune"
epochs = 2
sparsity = 0.5
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A model with dropout, so that a step's result hangs on every random number, its data and its recipe."""
    import keras

    random = np.random.default_rng(0)
    y = random.integers(0, 3, 180)
    x = (random.normal(0, 0.3, (180, 6)) + np.eye(3)[y].repeat(2, axis=1)).astype(np.float32)
    np.savez(tmp_path / "d.npz", x_train=x[:120], y_train=y[:120], x_test=x[120:], y_test=y[120:])
    keras.utils.set_random_seed(0)
    k = keras.layers
    keras.Sequential(
        [
            keras.Input((6,)),
            k.Dense(24, activation="relu"),
            k.Dropout(0.3),
            k.BatchNormalization(),
            k.Dense(3, activation="softmax"),
        ]
    ).save(tmp_path / "m.keras")
    (tmp_path / "r.toml").write_text(RECIPE)
    return tmp_path


def arguments(folder: Path, output: str = "o.h5") -> list[str]:
    files = {"--data": "d.npz", "--recipe": "r.toml", "-o": output, "--json": f"{output}.json"}
    options = [part for name, file in files.items() for part in (name, str(folder / file))]
    return ["compress", str(folder / "m.keras"), *options, "--board", "qemu_mps2_an386"]


def compress(folder: Path, output: str = "o.h5") -> list[dict[str, Any]]:
    done = tinygen(*arguments(folder, output))
    assert done.code == 0, done.err
    return list(json.loads((folder / f"{output}.json").read_text())["steps"])


def weights(path: Path) -> list[Any]:
    import tf_keras

    return list(tf_keras.models.load_model(path, compile=False).get_weights())


def same(a: Path, b: Path) -> bool:
    return all((x == y).all() for x, y in zip(weights(a), weights(b), strict=True))


def killed_in_step(folder: Path, step: int, output: str) -> None:
    """Starts the command and kills it, and all that it started, once the record before `step` is there."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tinygen.cli", *arguments(folder, output)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    limit = time.monotonic() + 200
    while not list((folder / output).with_suffix(".steps").glob(f"{step - 1}-*.json")):
        assert child.poll() is None and time.monotonic() < limit
        time.sleep(0.005)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait(30)


def test_killed_and_started_again(project: Path) -> None:
    whole = compress(project, "whole.h5")
    assert [row["step"] for row in whole] == ["original", "finetune", "distill", "prune"]
    assert not any(row["reused"] for row in whole)
    for row in whole:
        assert row["accuracy_float"] == row["value"] and row["metric"] == "accuracy"
        assert 0 <= row["accuracy_int8"] <= 1 and row["macs"] > 0 and row["arena_bytes"] > 0
        assert row["flash_bytes"] > row["weights_bytes"] > 0
    ratio = whole[0]["weights_bytes"] / whole[3]["weights_bytes"]
    assert whole[0]["compression_ratio"] == 1 and whole[3]["compression_ratio"] == pytest.approx(ratio)
    assert whole[3]["nonzero_share"] == pytest.approx(0.5, abs=0.03)

    killed_in_step(project, 2, "o.h5")
    assert not (project / "o.h5").exists()
    foreign = project / "o.steps" / "notes.txt"
    foreign.write_text("mine")
    rows = compress(project)
    assert [row["reused"] for row in rows] == [True, True, False, False]
    assert same(project / "o.h5", project / "whole.h5")
    assert [{**row, "reused": False} for row in rows] == whole

    assert foreign.read_text() == "mine"
    names = sorted(path.name for path in (project / "o.steps").iterdir())
    assert len(names) == 9, "a model and a record a row, and the user's file"
    assert sorted(p.name for p in project.iterdir()) == sorted(
        "d.npz m.keras r.toml o.h5 o.h5.json o.steps whole.h5 whole.h5.json whole.steps".split()
    )
