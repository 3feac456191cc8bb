"""The search's parts that need no TensorFlow: score, front, settings, study, recipe, what is printed and drawn."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tinygen.config import load_config, load_recipe
from tinygen.dataset import DataSet
from tinygen.errors import BadInput, OverBudget, TinygenError
from tinygen.report.search_text import search_parts
from tinygen.search import processes
from tinygen.search.chart import pareto_svg
from tinygen.search.pareto import Point, front
from tinygen.search.recipe import config_text, recipe_text
from tinygen.search.result import Row, SearchReport, best_of, front_of
from tinygen.search.run import require
from tinygen.search.score import Origin, goodness, score
from tinygen.search.settings import SearchSection
from tinygen.search.space import Candidate, suggest, tables
from tinygen.search.study import open_study, shown_storage
from tinygen.search.validation import with_validation
from tinygen.units import parse_duration
from tinygen.worker import WorkerFault

BASE = 'schema = 1\n[model]\npath = "m.keras"\n[data]\nfile = "d.npz"\n[target]\nboards = ["nucleo_f446re"]\n'


def settings(**keys: Any) -> SearchSection:
    return SearchSection.model_validate(keys)


def row(number: int, value: float, flash: int, ram: int, outcome: str = "complete", **keys: Any) -> Row:
    plan = {"flash_bytes": flash, "ram_bytes": ram, "weights_bytes": 1, "arena_bytes": 1, "macs": 123_456,
            "latency_us": None, "shortage": "", "overshoot": keys.pop("overshoot", 0.5)}  # fmt: skip
    params = Candidate("mobilenet_v1", 0.31, 12, 7, 0.75, "int16x8").json()
    base = {"reason": "", "params": params, "score": value, "metric": "accuracy", "value_float": value,
            "value_int8": value, "plan": plan, "reports": {}, "trained": True, "twin": None, "seconds": 1.0,
            "process": "p"}  # fmt: skip
    return Row(number=number, outcome=outcome, **{**base, **keys})


def report(*rows: Row, best: dict[str, Any] | None = None, **keys: Any) -> SearchReport:
    budget = {"flash": 100, "ram": None, "latency_us": None, "accuracy_drop": keys.pop("drop", None)}
    origin = {"weights_bytes": 1, "macs": 1, "validation": {"name": "accuracy", "value": 0.99}}
    return SearchReport("m", "s", "journal:x", "b", budget, {"alpha": 1.0}, origin, rows, best, 61.0, Path("out"))


def test_the_score_is_the_sum_that_it_says() -> None:
    origin = Origin(weights_bytes=1000, macs=4000)
    assert score(0.9, 250, 1000, origin, (1.0, 0.1, 0.02)) == pytest.approx(0.9 + 0.1 * 0.75 + 0.02 * 0.75)
    assert score(0.9, 2000, 9000, origin, (1.0, 0.1, 0.02)) == pytest.approx(0.9), "what grew saves nothing"
    assert score(0.5, 100, 100, Origin(None, None), (2.0, 1.0, 1.0)) == pytest.approx(1.0)
    assert goodness("accuracy", 0.7, np.zeros(3)) == 0.7
    assert goodness("mse", 0.5, np.array([-1.0, 1.0])) == pytest.approx(0.5)
    assert goodness("mse", 7.0, np.array([-1.0, 1.0])) == 0.0


points = st.lists(st.tuples(st.integers(0, 4).map(lambda n: n / 4), st.integers(0, 4), st.integers(0, 4)), max_size=30)


@given(points)
def test_the_front_is_what_brute_force_finds(found: list[Point]) -> None:
    def beats(a: Point, b: Point) -> bool:
        return a[0] >= b[0] and a[1] <= b[1] and a[2] <= b[2] and a != b

    wanted = {p for p in found if not any(beats(q, p) for q in found)}
    kept = [found[i] for i in front(found)]
    assert set(kept) == wanted and len(kept) == len(wanted)
    assert [p[1:] for p in kept] == sorted(p[1:] for p in kept)


def test_the_front_counts_complete_trials_only() -> None:
    rows = [row(0, 0.9, 100, 10), row(1, 0.8, 50, 10), row(2, 0.8, 60, 10), row(3, 1.0, 1, 1, "refused")]
    assert [r.number for r in front_of(rows)] == [1, 0]
    errors = [row(0, 0.2, 100, 10, metric="mse"), row(1, 0.1, 100, 10, metric="mse")]
    assert [r.number for r in front_of(errors)] == [1], "of an error, less is better"


def test_the_best_keeps_the_accuracy_that_is_asked_for() -> None:
    rows = [row(0, 0.9, 9, 9, score=1.0), row(1, 0.95, 99, 99, score=0.96)]
    first, second = best_of(rows, None), best_of(rows, 0.94)
    assert first is not None and first.number == 0
    assert second is not None and second.number == 1
    assert best_of(rows, 0.99) is None
    with pytest.raises(OverBudget, match=r"0\.9500 at best .* asks for 0\.98"):
        require(report(*rows, drop=0.01))


def test_nothing_that_fits_is_over_budget_and_names_the_closest() -> None:
    far = row(0, 0.0, 900, 9, "refused", overshoot=9.0, reason="Flash over budget.")
    near = row(4, 0.0, 110, 9, "refused", overshoot=1.1, reason="Flash over budget on b: needs 110 B.")
    with pytest.raises(OverBudget, match=r"None of 2 candidates fits\. The closest, trial 4 .* 10 % over: Flash"):
        require(report(far, near))
    with pytest.raises(BadInput, match="trial 1 failed: boom"):
        require(report(far, row(1, 0.0, 9, 9, "failed", reason="boom")))
    require(report(far, best={}))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("trials = 0", "search.trials"),
        ('timeout = "10"', "'10' is not a duration; write '90s', '10min' or '2h'"),
        ("width = [1.0, 0.5]", "search.width: the range goes from 1 down to 0.5"),
        ("depth = [1]", "search.depth"),
        ("sparsities = [1.0]", "search.sparsities.0"),
        ("kernels = [3, 3]", "a value is there twice"),
        ('precisions = ["int4"]', "search.precisions.0"),
        ('storage = "study.db"', "is no storage; write 'journal:FILE'"),
        ("alhpa = 1.0", "unknown key 'search.alhpa', did you mean 'alpha'?"),
    ],
)
def test_a_wrong_search_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "tinygen.toml"
    path.write_text(f"{BASE}[search]\n{text}\n")
    with pytest.raises(BadInput) as caught:
        load_config(path)
    assert words in caught.value.line and "\n" not in caught.value.line


def test_durations_and_storages(tmp_path: Path) -> None:
    assert [parse_duration(text) for text in ("90s", "10 min", "1.5h")] == [90.0, 600.0, 5400.0]
    assert settings(storage="journal:a.log").in_folder(tmp_path).storage == f"journal:{tmp_path}/a.log"
    assert settings(storage="sqlite:///a.db").in_folder(tmp_path).storage == f"sqlite:///{tmp_path}/a.db"
    assert settings(storage="sqlite:////x/a.db").in_folder(tmp_path).storage == "sqlite:////x/a.db"
    assert settings(storage="mysql://u:p@h/d").in_folder(tmp_path).storage == "mysql://u:p@h/d"
    assert shown_storage("mysql://user:secret@host/d") == "mysql://…@host/d"


def test_validation_data_is_set_aside_of_every_class() -> None:
    x, y = np.arange(50, dtype=np.float32)[:, None], np.repeat([0, 1], [40, 10])
    data = DataSet("d.npz", {"x_train": x, "y_train": y, "x_test": x, "y_test": y})
    made, note = with_validation(data, 3)
    train, val = made.arrays["x_train"][:, 0], made.arrays["x_val"][:, 0]
    assert sorted([*train, *val]) == list(range(50)) and "10 of 50" in note
    assert np.bincount(made.arrays["y_val"]).tolist() == [8, 2]
    assert made.arrays["y_val"].tolist() == [y[int(i)] for i in val]
    assert with_validation(made, 3) == (made, "")
    with pytest.raises(BadInput, match="y_train is missing"):
        with_validation(DataSet("d.npz", {"x_train": x}), 0)


def test_the_files_of_the_best_are_read_back(tmp_path: Path) -> None:
    source = tmp_path / "tinygen.toml"
    source.write_text(
        'schema = 1\n[model]\npath = "m.keras"\nname = "toy"\nlabels = ["a \\"b\\"", "\\u0007\\\\é"]\n'
        '[data]\nfile = "d.npz"\n[input]\nmean = [0.5]\nstd = [2.0]\n[train]\nseed = 5\nlearning_rate = 0.01\n'
        '[target]\nboards = ["nucleo_f446re", "own.toml"]\n[budget]\nflash = "24K"\nlatency = "1.5ms"\n'
        "[app]\nsmoothing = {n = 3, m = 5}\n[search]\nepochs = 7\n"
    )
    config, out = load_config(source), tmp_path / "out"
    out.mkdir()
    candidate = Candidate("dense", 0.31, 2, 3, 0.5, "int16x8")
    found = tables(candidate, config.search, config.train.model_dump())
    (out / "tinygen.toml").write_text(config_text(config, found, "int16x8", tmp_path / "d.npz", out, "Trial 1"))
    (out / "recipe.toml").write_text(recipe_text(found, 5, "Trial 1"))
    read = load_config(out / "tinygen.toml")
    assert read.compress == load_recipe(out / "recipe.toml") and len(read.compress) == 2
    student = read.compress[0].options.model_dump()
    assert (student["student"], student["multiplier"], student["depth"], student["epochs"]) == ("dense", 0.31, 2, 7)
    assert read.compress[1].options.model_dump()["learning_rate"] == 0.01
    assert read.quantize.precision == "int16x8" and read.train.seed == 5
    for section in ("input", "budget", "app"):
        assert getattr(read, section) == getattr(config, section)
    assert read.model.labels == config.model.labels
    assert read.model.path.resolve() == config.model.path and read.data is not None and read.data.file is not None
    assert read.data.file.resolve() == tmp_path / "d.npz"
    assert [Path(b).name for b in read.target.boards] == ["nucleo_f446re", "own.toml"]


def test_the_best_s_precision_takes_the_place_of_mixed(tmp_path: Path) -> None:
    source = tmp_path / "tinygen.toml"
    source.write_text(
        'schema = 1\n[model]\npath = "m.keras"\n[data]\nfile = "d.npz"\n[target]\nboards = ["nucleo_f446re"]\n'
        '[quantize]\nprecision = "mixed"\nint16_layers = ["dense"]\nsamples = 50\n[search]\nepochs = 7\n'
    )
    config = load_config(source)
    found = tables(Candidate("dense", 0.31, 2, 3, 0.5, "int8"), config.search, config.train.model_dump())
    (tmp_path / "best.toml").write_text(config_text(config, found, "int8", tmp_path / "d.npz", tmp_path, "Trial 1"))
    read = load_config(tmp_path / "best.toml").quantize
    assert (read.precision, read.int16_layers, read.samples) == ("int8", (), 50)


def test_what_is_printed_fits_80_columns() -> None:
    best = {"trial": 120, "score": 1.2345, "test": {"metric": "accuracy", "value": 0.95, "samples": 20}, "config": "t",
            "linked": {"flash_bytes": 20000, "ram_bytes": 5000, "source": "linked"}}  # fmt: skip
    console = Console(width=80, record=True, file=io.StringIO())
    for part in search_parts(report(row(120, 0.9876, 123_456, 123_456), best=best).json()):
        console.print(part)
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= 80
    assert "mobilenet_v1" in text and "0.31×12 k7" in text and "120.6K" in text and "best" in text and "…" not in text
    assert "0.9500 on 20 test samples" in text


def test_the_plot_is_whole_xml_whatever_names_hold() -> None:
    rows = [row(0, 0.9, 100, 10), row(1, 0.8, 50, 20), row(2, 0.7, 60, 30, params={"backbone": "<script>&"})]
    root = ElementTree.fromstring(pareto_svg('a<b>&"c"', rows, 1))
    circles = root.findall(".//{*}circle")
    assert len(circles) == 3 and sum(c.get("stroke-width") == "3" for c in circles) == 1
    assert any("<script>&" in (c.findtext("{*}title") or "") for c in circles)
    ElementTree.fromstring(pareto_svg("none", [], None))


def drawn(study: Any, section: SearchSection, count: int) -> list[Candidate]:
    found = []
    for _ in range(count):
        trial = study.ask()
        found.append(suggest(trial, section, ["conv", "dense"]))
        study.tell(trial, found[-1].width)
    return found


def test_a_stopped_search_draws_what_an_unstopped_one_draws(tmp_path: Path) -> None:
    def study(name: str, seed: int = 4) -> Any:
        return open_study(settings(storage=f"journal:{tmp_path}/{name}"), "s", "key", seed)

    whole = drawn(study("whole"), settings(), 14)
    assert drawn(study("parts"), settings(), 6) + drawn(study("parts"), settings(), 8) == whole
    assert drawn(study("other", seed=5), settings(), 14) != whole
    assert len({c.width for c in whole}) > 5 and all(0.1 <= c.width <= 2 for c in whole)
    with pytest.raises(BadInput, match="another model, data, space or budget"):
        open_study(settings(storage=f"journal:{tmp_path}/whole"), "s", "another", 4)
    with pytest.raises(BadInput, match="cannot be opened"):
        open_study(settings(storage=f"journal:{tmp_path}/no/such"), "s", "key", 4)


SHARE = """
import os, sys, time
from tinygen.search.settings import SearchSection
from tinygen.search.study import open_study
study = open_study(SearchSection(storage=sys.argv[1]), "shared", "key", 0)
open(sys.argv[2], "w").close()
while not os.path.exists(sys.argv[3]):
    time.sleep(0.01)
while len(study.get_trials(deepcopy=False)) < 24:
    trial = study.ask()
    trial.set_user_attr("process", sys.argv[2])
    trial.suggest_float("x", 0, 1)
    time.sleep(0.02)
    study.tell(trial, 0.5)
"""


@pytest.mark.parametrize("storage", ["journal:{}/study.log", "sqlite:///{}/study.db"])
def test_two_processes_share_a_study_and_number_its_trials_once(tmp_path: Path, storage: str) -> None:
    where = storage.format(tmp_path)
    pairs = [[str(tmp_path / str(i)), str(tmp_path / str(1 - i))] for i in range(2)]
    begun = [subprocess.Popen([sys.executable, "-c", SHARE, where, *pair]) for pair in pairs]
    assert [process.wait(240) for process in begun] == [0, 0]
    trials = open_study(settings(storage=where), "shared", "key", 0).get_trials()
    assert [t.number for t in trials] == list(range(len(trials))) and 24 <= len(trials) <= 25
    assert len({t.user_attrs["process"] for t in trials}) == 2, "both took part"
    assert len({t.params["x"] for t in trials}) == len(trials), "no point was drawn twice"


def test_a_trial_that_takes_its_process_down_does_not_end_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dying.py").write_text(
        "import os\nfrom tinygen.search.settings import SearchSection\nfrom tinygen.search.study import open_study\n"
        "def dying_job(request, progress):\n"
        "    study = open_study(SearchSection(storage=request['storage']), 's', 'k', 0)\n"
        "    while len(study.get_trials(deepcopy=False)) < request['trials']:\n"
        "        trial = study.ask()\n        trial.set_user_attr('process', request['owner'])\n"
        "        if trial.number in request['die']:\n            os.abort()\n"
        "        trial.set_user_attr('outcome', 'complete')\n        study.tell(trial, 1.0)\n    return {}\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{Path(__file__).resolve().parents[2]}")
    monkeypatch.setattr(processes, "_JOB", "dying:dying_job")
    where = f"journal:{tmp_path}/study.log"
    study = open_study(settings(storage=where), "s", "k", 0)
    said: list[str] = []
    processes.run_processes(study, {"storage": where, "trials": 5, "die": [1, 3]}, 1, None, said.append)
    states = [t.state.name for t in study.get_trials()]
    assert states == ["COMPLETE", "FAIL", "COMPLETE", "FAIL", "COMPLETE"]
    assert len(said) == 2 and f"signal {int(signal.SIGABRT)}" in said[0]
    processes.run_processes(study, {"storage": where, "trials": 12, "die": [8]}, 2, None, said.append)
    states = [t.state.name for t in study.get_trials()]
    assert states.count("FAIL") == 3 and states[8] == "FAIL" and 12 <= len(states) <= 13
    with pytest.raises(WorkerFault):
        request = {"storage": where, "trials": 99, "die": list(range(99))}
        processes.run_processes(study, request, 1, None, said.append)
    assert not [t for t in study.get_trials() if t.state.name == "RUNNING"]


def test_json_has_the_stable_keys() -> None:
    told = json.loads(json.dumps(report(row(0, 0.9, 5, 5), row(1, 0.9, 6, 6)).json()))
    assert told["schema"] == "tinygen.search/1" and told["pareto"] == [0] and told["best"] is None
    wanted = "number outcome reason params score value_int8 flash_bytes ram_bytes trained".split()
    assert set(wanted) <= set(told["trials"][0])
    assert issubclass(OverBudget, TinygenError) and OverBudget.exit_code == 3
