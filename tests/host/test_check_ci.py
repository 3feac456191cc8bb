"""tinygen check as a CI job runs it: files for every consumer, also where it fails; baselines; what it imports."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from command_line import Said, tinygen
from small_models import MODELS

#: What `check` may load of other packages: no TensorFlow, no reference, no simulator, no compiler.
ALLOWED = set(
    "numpy jinja2 markupsafe pydantic pydantic_core annotated_types typing_extensions typing_inspection typer click "
    "rich pygments markdown_it mdurl shellingham elftools tomli colorama annotated_doc".split()
)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "dense.tflite"
    path.write_bytes(MODELS["dense"]().tflite)
    return path


@pytest.fixture
def project(model: Path, tmp_path: Path) -> Path:
    said = tinygen("generate", model, "--board", "pico", "-o", tmp_path / "p", "-q")
    assert said.code == 0, said.err
    return tmp_path / "p"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Twelve samples of which the model gets some right."""
    x = np.random.default_rng(1).normal(0, 20, (12, 8)).astype(np.float32)
    np.savez(tmp_path / "data.npz", x_test=x, y_test=np.arange(12) % 4)
    return tmp_path / "data.npz"


def files(folder: Path) -> list[str | Path]:
    return ["--junit", folder / "j.xml", "--sarif", folder / "s.sarif", "--markdown", folder / "m.md"]


def failed(junit: Path) -> list[str | None]:
    return [case.get("name") for case in ET.parse(junit).iter("testcase") if case.find("failure") is not None]


@pytest.mark.parametrize(("limit", "code"), [("1K", 3), ("200K", 0)])
def test_every_file_is_written_whether_it_fits_or_not(limit: str, code: int, model: Path, tmp_path: Path) -> None:
    said = tinygen(
        "check", model, "-b", "pico", "--max-ram", limit, *files(tmp_path), "--json", tmp_path / "b.json", "-q",
        cwd=tmp_path, GITHUB_ACTIONS="", GITHUB_WORKSPACE="",
    )  # fmt: skip
    assert (said.code, said.out) == (code, "")
    failures = [
        case.get("name") for case in ET.parse(tmp_path / "j.xml").iter("testcase") if case.find("failure") is not None
    ]
    assert failures == (["ram"] if code else [])
    results = json.loads((tmp_path / "s.sarif").read_text())["runs"][0]["results"]
    assert [result["ruleId"] for result in results] == failures
    if results:
        place = results[0]["locations"][0]["physicalLocation"]["artifactLocation"]
        assert place == {"uri": "dense.tflite", "uriBaseId": "%SRCROOT%"}
    assert ("over budget" in (tmp_path / "m.md").read_text()) is bool(code)
    found = json.loads((tmp_path / "b.json").read_text())
    assert (found["fits"], found["passed"], found["baseline"]) == (not code, not code, None)
    assert found["instructions"]["per_inference"] is None and "planned" in found["instructions"]["reason"]
    assert found["metric"]["value"] is None and "planned" in found["metric"]["reason"]


def test_the_same_check_writes_the_same_bytes(model: Path, tmp_path: Path) -> None:
    written = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        tinygen("check", model, "-b", "pico", "--max-ram", "1K", *files(tmp_path / name), cwd=tmp_path)
        written.append([path.read_bytes() for path in sorted((tmp_path / name).iterdir())])
    assert written[0] == written[1] and len(written[0]) == 3


def test_github_finds_annotations_and_a_summary(model: Path, tmp_path: Path) -> None:
    (tmp_path / "tinygen.toml").write_text("schema = 1\n")
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    over = ("check", model, "-b", "pico", "--max-ram", "1K")
    environment = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary), "GITHUB_WORKSPACE": str(tmp_path)}
    said = tinygen(*over, cwd=tmp_path, **environment)
    (line,) = [line for line in said.out.splitlines() if line.startswith("::")]
    assert line.startswith("::error file=tinygen.toml,line=1,title=dense on pico%3A RAM over budget::RAM over budget")
    assert summary.read_text().startswith("before\n### tinygen check: failed\n\n| model |")
    said = tinygen(*over, "--json", "-", cwd=tmp_path, **environment)
    assert said.json["fits"] is False and "::error" in said.err
    assert summary.read_text().count("### tinygen check") == 2
    plain = tinygen(*over, cwd=tmp_path, GITHUB_ACTIONS="false", GITHUB_STEP_SUMMARY=str(summary))
    assert "::" not in plain.out and summary.read_text().count("### tinygen check") == 2
    asked = tinygen(*over, "--github", cwd=tmp_path, GITHUB_ACTIONS="", GITHUB_STEP_SUMMARY="", GITHUB_WORKSPACE="")
    assert "::error " in asked.out and asked.code == 3
    tinygen("check", model, "-b", "pico", "-q", cwd=tmp_path, **{**environment, "GITHUB_STEP_SUMMARY": str(tmp_path)}
            ).refused(2, "GITHUB_STEP_SUMMARY", "cannot be written")  # fmt: skip


def test_several_boards_are_one_table(model: Path, tmp_path: Path) -> None:
    boards = ("-b", "pico", "-b", "nucleo_f446re", "-b", "pico")
    said = tinygen("check", model, *boards, *files(tmp_path), "--json", tmp_path / "b.json")
    assert said.code == 0, said.err
    assert said.out.count("Flash") == 2 and "nucleo_f446re" in said.out
    found = json.loads((tmp_path / "b.json").read_text())
    assert found["schema"] == "tinygen.budgets/1"
    assert [budget["board"] for budget in found["budgets"]] == ["pico", "nucleo_f446re"]
    assert len(ET.parse(tmp_path / "j.xml").getroot()) == 2
    assert (tmp_path / "m.md").read_text().count("| ok |") == 4


def test_files_that_cannot_be_written_are_told_first(model: Path, tmp_path: Path) -> None:
    start = ("check", model, "-b", "pico")
    tinygen(*start, "--junit", tmp_path / "no" / "j.xml").refused(2, "--junit", "cannot be written")
    tinygen(*start, "--sarif", tmp_path).refused(2, "--sarif", "cannot be written")
    tinygen(*start, "--markdown", "-").refused(2, "--markdown", "standard output")
    same = tmp_path / "same"
    tinygen(*start, "--junit", same, "--sarif", same).refused(2, "the same file")
    assert not same.exists()


def test_baseline_options_are_checked(model: Path, tmp_path: Path) -> None:
    start = ("check", model, "-b", "pico")
    path = tmp_path / "budgets.json"
    tinygen(*start, "--update-baseline").refused(2, "--update-baseline", "--baseline")
    tinygen(*start, "--allow-flash", "1K").refused(2, "--allow-flash", "--baseline")
    tinygen(*start, "--baseline", path, "--allow-ram", "much").refused(2, "--allow-ram", "much")
    tinygen(*start, "--baseline", path, "--allow-accuracy", "1%").refused(2, "--allow-accuracy", "0.005")
    tinygen(*start, "--baseline", path).refused(2, "no such file", "--update-baseline", out=None)
    path.write_text('{"schema": ')
    for option in ((), ("--update-baseline",)):
        tinygen(*start, "--baseline", path, *option).refused(2, "damaged baseline", out=None)
    assert path.read_text() == '{"schema": '


def done(said: Said, code: int = 0) -> Any:
    assert said.code == code, said.err
    return said.json


@pytest.mark.slow
@pytest.mark.needs_cross
def test_a_baseline_from_first_to_worse(project: Path, data: Path, tmp_path: Path) -> None:
    path = tmp_path / "budgets.json"
    check = ("check", project, "--baseline", path, "--json", "-")
    first = done(tinygen(*check, "--data", data, "--update-baseline", "--allow-instructions", "1%"))
    assert first["source"] == "linked" and first["passed"] is True
    assert first["instructions"]["per_inference"] > 0 and first["instructions"]["simulator"] == "unicorn"
    assert (first["metric"]["name"], first["metric"]["samples"]) == ("accuracy", 12)
    written = path.read_bytes()
    again = done(tinygen(*check, "--data", data))
    assert path.read_bytes() == written and again["baseline"]["accuracy"]["delta"] == 0
    tinygen(*check).refused(2, "accuracy there and none here", "--data", out=None)

    stored = json.loads(written)
    entry = stored["budgets"]["dense"]["pico"]["aot"]
    entry |= {"instructions": entry["instructions"] * 100 // 102, "ram_bytes": entry["ram_bytes"] - 4}
    path.write_text(json.dumps(stored))
    said = tinygen(*check, "--data", data, *files(tmp_path))
    said.refused(3, "Instructions on pico worse", "RAM on pico worse", "+4 B", out=None)
    assert said.json["fits"] is True and said.json["passed"] is False
    compared = said.json["baseline"]
    assert [compared[k]["worse"] for k in ("flash", "ram", "instructions", "accuracy")] == [False, True, True, False]
    assert compared["ram"] == {"before": entry["ram_bytes"], "delta": 4, "allowed": 0, "worse": True}
    assert failed(tmp_path / "j.xml") == ["ram", "instructions"]
    done(tinygen(*check, "--data", data, "--allow-instructions", "3%", "--allow-ram", "4"))


@pytest.mark.needs_cross
def test_planned_is_not_held_against_linked(project: Path, model: Path, tmp_path: Path) -> None:
    path = tmp_path / "budgets.json"
    done(tinygen("check", model, "-b", "pico", "--baseline", path, "--update-baseline", "--json", "-"))
    tinygen("check", project, "--baseline", path).refused(2, "was planned there and is linked here", out=None)
    done(tinygen("check", project, "--baseline", path, "--update-baseline", "--json", "-"))
    tinygen("check", model, "-b", "pico", "--baseline", path).refused(2, "was linked there", out=None)


@pytest.mark.needs_tflm
def test_a_tflm_project_has_a_metric_and_no_instructions(model: Path, data: Path, tmp_path: Path) -> None:
    made = ("generate", model, "--board", "nucleo_f446re", "--runtime", "tflm", "-o", tmp_path / "t", "-q")
    assert tinygen(*made).code == 0
    found = done(tinygen("check", tmp_path / "t", "--data", data, "--json", "-"))
    assert (found["source"], found["runtime"], found["metric"]["samples"]) == ("planned", "tflm", 12)
    assert found["instructions"]["per_inference"] is None and "host" in found["instructions"]["reason"]


def test_a_model_is_checked_without_anything_heavy(model: Path) -> None:
    program = (
        "import json, sys; from tinygen.cli import main\n"
        "sys.argv = ['tinygen', 'check', *sys.argv[1:]]\n"
        "try: main()\n"
        "except SystemExit as end: print(json.dumps([end.code, sorted({n.partition('.')[0] for n in sys.modules})]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(model), "-b", "pico"], capture_output=True, text=True, timeout=120
    )
    code, loaded = json.loads(done.stdout.splitlines()[-1])
    assert code == 0 and "numpy" in loaded
    others = set(loaded) - set(sys.stdlib_module_names) - ALLOWED - {"tinygen", "__main__"}
    assert not {name for name in others if not name.startswith(("_", "sitecustomize"))}
