"""`tinygen search` on small models: what is refused is never trained, what is found is repeated by its recipe."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import tinygen

from tinygen.compress.training import TrainingData
from tinygen.config import load_config, load_recipe
from tinygen.dataset import DataSet
from tinygen.search import job
from tinygen.search.gate import Limits
from tinygen.search.result import Row, row_of
from tinygen.search.run import require, search
from tinygen.search.score import Origin
from tinygen.search.settings import SearchSection
from tinygen.search.study import open_study
from tinygen.search.trial import Bench

pytestmark = [pytest.mark.needs_tensorflow, pytest.mark.slow]

CONFIG = """
schema = 1
[model]
path = "m.h5"
name = "toy"
[data]
file = "d.npz"
[train]
seed = 3
batch_size = 16
learning_rate = 0.01
[target]
boards = ["qemu_mps2_an386"]
[search]
trials = 3
storage = "sqlite:///study.db"
study = "toys"
backbones = ["dense"]
width = [0.5, 8.0]
sparsities = [0.5]
epochs = 4
prune_epochs = 2
report_every = 2
pruner = "none"
"""


def arrays() -> dict[str, Any]:
    random = np.random.default_rng(0)
    y = random.integers(0, 3, 150)
    x = (random.normal(0, 0.3, (150, 6)) + np.eye(3)[y].repeat(2, axis=1)).astype(np.float32)
    return {"x_train": x[:90], "y_train": y[:90], "x_val": x[90:120], "y_val": y[90:120], "x_test": x[120:],
            "y_test": y[120:]}  # fmt: skip


def save_teacher(path: Path) -> None:
    import tf_keras

    k = tf_keras.layers
    tf_keras.utils.set_random_seed(0)
    stack = [k.Dense(48, activation="relu"), k.Dense(3, activation="softmax")]
    tf_keras.Sequential([tf_keras.Input((6,)), *stack]).save(path, save_format="h5")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    data = arrays()
    save_teacher(tmp_path / "m.h5")
    np.save(tmp_path / "few.npy", data["x_train"][:4])
    section = SearchSection.model_validate(
        {"backbones": ["dense"], "width": [1, 8], "depth": [1, 2], "kernels": [3], "sparsities": [0.0], "epochs": 2,
         "report_every": 1, "storage": f"journal:{tmp_path}/study.log", "pruner": "none"}
    )  # fmt: skip
    return Bench(
        settings=section, limits=Limits(("qemu_mps2_an386",)), origin=Origin(1000, 1000),
        teacher=str(tmp_path / "m.h5"),
        data=TrainingData(*(data[name] for name in ("x_train", "y_train", "x_val", "y_val"))),
        held=DataSet("d.npz", {"x_val": data["x_val"], "y_val": data["y_val"]}),
        calibration=str(tmp_path / "few.npy"), few=str(tmp_path / "few.npy"), preprocess=None, defaults={}, seed=1,
        work=tmp_path, deadline=None,
    )  # fmt: skip


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The titles of the candidates that were trained; training itself is left out."""
    found: list[str] = []

    def count(candidate: Any, bench: Bench, report: Any, progress: Any) -> Any:
        found.append(candidate.title)
        report(1, 0.5)
        built = job.build(candidate, bench)
        return 0.5 + len(found) / 100, job.gate(built, candidate, bench), {"metric": "accuracy", "value_int8": 0.5}

    monkeypatch.setattr(job, "train_and_score", count)
    yield found


def rows_of(bench: Bench, count: int) -> list[Row]:
    study = open_study(bench.settings, "s", "k", 0)
    for _ in range(count):
        job.run_trial(study, bench, ["dense"], "here", lambda text: None)
    return [row_of(trial) for trial in study.get_trials()]


def test_what_does_not_fit_is_refused_before_any_training(bench: Bench, trained: list[str]) -> None:
    [one] = rows_of(bench, 1)
    assert one.outcome == "complete" and one.plan is not None and len(trained) == 1
    tight = replace(bench, limits=replace(bench.limits, flash=one.plan["flash_bytes"] // 2))
    tight = replace(tight, settings=bench.settings.model_copy(update={"width": (8.0, 9.0)}))
    refused = rows_of(tight, 3)[1:]
    assert len(trained) == 1, "none of them was trained"
    assert {row.outcome for row in refused} == {"refused"} and not any(row.trained or row.reports for row in refused)
    assert all("Flash over budget on qemu_mps2_an386" in row.reason for row in refused)
    assert all(row.plan is not None and row.plan["overshoot"] > 1 for row in refused)


def test_latency_is_held_to_the_instructions_that_are_counted(bench: Bench, trained: list[str]) -> None:
    slow = replace(bench, limits=replace(bench.limits, latency_us=1.0))
    [row] = rows_of(slow, 1)
    assert row.outcome == "refused" and "Latency over budget" in row.reason and "the budget is 1 µs" in row.reason
    assert row.plan is not None and row.plan["latency_us"] > 1.0 and not trained


def test_equal_models_are_trained_once(bench: Bench, trained: list[str]) -> None:
    narrow = bench.settings.model_copy(update={"width": (1.0, 1.02), "depth": (1, 1)})
    rows = rows_of(replace(bench, settings=narrow), 3)
    assert len(trained) == 1 and {row.outcome for row in rows} == {"complete"}
    assert [row.twin for row in rows] == [None, 0, 0] and len({row.score for row in rows}) == 1


def test_a_trial_that_fails_is_kept_and_does_not_end_the_search(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise RuntimeError("out of luck\nsecond line")

    monkeypatch.setattr(job, "train_and_score", fail)
    rows = rows_of(bench, 2)
    assert {(row.outcome, row.reason) for row in rows} == {("failed", "RuntimeError: out of luck")}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("search")
    np.savez(folder / "d.npz", **arrays())
    save_teacher(folder / "m.h5")
    (folder / "tinygen.toml").write_text(CONFIG)
    return folder


def test_the_recipe_repeats_the_best(project: Path) -> None:
    report = search(project / "tinygen.toml", project / "out")
    require(report)
    told = report.json()
    assert told == json.loads((project / "out" / "search.json").read_text())
    trials = told["trials"]
    assert [t["number"] for t in trials] == [0, 1, 2]
    complete = [t for t in trials if t["outcome"] == "complete"]
    best = told["best"]
    assert best["score"] == max(t["score"] for t in complete) and best["repeats"] is True
    assert best["test"]["samples"] == 30 and told["pareto"]
    for name in ("best.h5", "best.tflite", "recipe.toml", "tinygen.toml", "pareto.svg"):
        assert (project / "out" / name).stat().st_size > 0
    found = load_config(project / "out" / "tinygen.toml")
    assert found.compress == load_recipe(project / "out" / "recipe.toml")


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("[search]\ntrials = -1\n", (), "search.trials"),
        ('[search]\nbackbones = ["conv"]\n', (), "search.backbones: 'conv' does not go from [6] to [3]"),
        ('[search]\nbackbones = ["dens"]\n', (), "Unknown backbone 'dens'. Hint: did you mean 'dense'?"),
        ("", ("--timeout", "soon"), "--timeout: 'soon' is not a duration"),
    ],
)
def test_bad_input_is_refused(project: Path, text: str, options: tuple[str, ...], words: str) -> None:
    (project / "bad.toml").write_text(CONFIG.partition("[search]")[0] + text)
    tinygen("search", "bad.toml", "-o", "bad", *options, "--quiet", cwd=project).refused(2, words)


def test_without_optuna_it_says_what_to_install(project: Path) -> None:
    tinygen("search", project / "tinygen.toml", hide="optuna").refused(5, "pip install 'tinygen[search]'")
