"""Gates: limits and baselines at their edges, and what the outputs for CI say of them, well-formed for any name."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tinygen.baseline import Entries, entry_of, key_of, read_baseline, write_baseline
from tinygen.errors import BadInput, OverBudget
from tinygen.gates import TITLES, judge, lost, require, updated
from tinygen.report.github import error_commands
from tinygen.report.junit import junit
from tinygen.report.markdown import markdown
from tinygen.report.sarif import sarif
from tinygen.units import parse_allowance
from tinygen.usage import BudgetReport, Performance, Usage

FILE = Path("budgets.json")
HOSTILE = "a|b`<i>*\\_[x](y)]]>&\"'%:,\r\n::error::\x1b[2J\x00\ud800\ufffe #1"
METRIC = {"name": "accuracy", "value": 0.9, "samples": 100}


def budget(flash: int = 1000, ram: int = 500, limit: int = 2000, **fields: Any) -> BudgetReport:
    """A linked report with instructions and accuracy."""
    ran = Performance(10_000, METRIC, "qemu", "gcc 12", {})
    given: dict[str, Any] = {"model": "kws", "performance": ran, "largest": "live at conv", **fields}
    memories = (Usage("Flash", limit, {"weights": flash}), Usage("RAM", limit, {"arena": ram}))
    return BudgetReport("pico", given.pop("source", "linked"), *memories, **given)


def ran(report: BudgetReport, **fields: Any) -> BudgetReport:
    return replace(report, performance=replace(report.performance, **fields))


def worse(now: BudgetReport, allow: dict[Any, str] | None = None, before: BudgetReport | None = None) -> list[str]:
    """The rules that fail against a baseline of `before`."""
    before = before or budget()
    entries: Entries = {key_of(before): entry_of(before, {})}
    return [problem.rule for problem in judge(now, FILE, FILE, entries, allow or {}).problems]


def test_the_same_again_passes() -> None:
    assert worse(budget()) == []
    assert worse(budget(999, 1)) == []


@pytest.mark.parametrize(
    ("now", "rule", "allowances"),
    [
        (budget(flash=1010), "flash-worse", ("1%", "10")),
        (budget(ram=505), "ram-worse", ("1%", "5")),
        (ran(budget(), instructions=10_100), "instructions-worse", ("1%", "100")),
        (ran(budget(), metric={**METRIC, "value": 0.895}), "accuracy-worse", ("0.005",)),
    ],
)
def test_worse_by_more_than_allowed_fails(now: BudgetReport, rule: str, allowances: tuple[str, ...]) -> None:
    kind: Any = rule.partition("-")[0]
    assert worse(now) == worse(now, {kind: "0"}) == [rule]
    for text in allowances:
        number = float(text.rstrip("%"))
        assert worse(now, {kind: text}) == [], "equal to what is allowed"
        below = number * 0.99 if kind == "accuracy" or "%" in text else int(number - 1)
        assert worse(now, {kind: f"{below}{'%' if '%' in text else ''}"}) == [rule]


def test_better_accuracy_passes_and_a_larger_error_does_not() -> None:
    assert worse(ran(budget(), metric={**METRIC, "value": 0.95})) == []
    error = {"name": "mse", "value": 0.1, "samples": 9}
    before = ran(budget(), metric=error)
    assert worse(ran(before, metric={**error, "value": 0.11}), before=before) == ["accuracy-worse"]
    assert worse(ran(before, metric={**error, "value": 0.09}), before=before) == []


def test_recorded_allowances_hold_until_given() -> None:
    entries = updated([budget()], {}, {"flash": "1%"})
    now = budget(flash=1010)
    assert not judge(now, FILE, FILE, entries, {}).problems
    assert judge(now, FILE, FILE, entries, {"flash": "0"}).problems
    again = updated([now], entries, {"ram": "1K"})
    assert again[key_of(now)].allow == {"flash": "1%", "ram": "1K"}


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (budget(source="planned"), "was linked there and is planned here"),
        (replace(budget(), model="other"), "nothing about other on pico (aot)"),
        (replace(budget(), board="nano"), "nothing about kws on nano"),
        (replace(budget(), runtime="tflm"), "nothing about kws on pico (tflm)"),
        (replace(budget(), checked=True), "nothing about kws on pico (aot, checked)"),
        (ran(budget(), metric=None, reasons={"metric": "no --data"}), "has accuracy there and none here: no --data"),
        (ran(budget(), instructions=None), "has instructions there and none here"),
        (ran(budget(), metric={**METRIC, "samples": 99}), "not the same data"),
        (ran(budget(), metric={**METRIC, "name": "mse"}), "not the same data"),
    ],
)
def test_what_cannot_be_compared_does_not_pass(now: BudgetReport, words: str) -> None:
    with pytest.raises(BadInput, match=re.escape(words)) as error:
        worse(now)
    assert "--update-baseline" in error.value.hint


def test_what_differs_besides_is_said() -> None:
    entries = updated([ran(budget(), metric=None)], {}, {})
    notes = " ".join(judge(ran(budget(), compiler="gcc 13", simulator="unicorn"), FILE, FILE, entries, {}).notes)
    assert "gcc 12, this by gcc 13" in notes and "in qemu, this in unicorn" in notes and "accuracy" in notes
    gone = ran(budget(), instructions=None, metric=None)
    said = lost(gone, updated([budget()], {}, {}), FILE)
    assert "instructions" in said[0] and "accuracy" in said[0]
    assert lost(budget(), updated([budget()], {}, {}), FILE) == lost(gone, {}, FILE) == ()


def test_require_names_all_of_it() -> None:
    entries = updated([budget()], {}, {})
    verdict = judge(budget(3000, 501), FILE, FILE, entries, {})
    with pytest.raises(OverBudget) as error:
        require([verdict])
    for words in ("short by 1000 B", "Flash on pico worse", "RAM on pico worse", "+1 B, allowed 0 B"):
        assert words in error.value.line
    require([judge(budget(), FILE, None, {}, {})])


def test_the_file_is_sorted_stable_and_keeps_the_others(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    others = [replace(budget(), model=m, board=b) for m in ("z", "a") for b in ("pico", "nano")]
    write_baseline(path, updated(others, {}, {"flash": "1K"}))
    first = path.read_bytes()
    write_baseline(path, updated(others[::-1], {}, {"flash": "1K"}))
    assert path.read_bytes() == first
    entries = read_baseline(path)
    write_baseline(path, updated([budget(flash=7)], entries, {}))
    now = read_baseline(path)
    assert now == {**entries, key_of(budget()): entry_of(budget(flash=7), {})}
    assert sorted(json.loads(path.read_text())["budgets"]) == ["a", "kws", "z"]
    changed = set(path.read_text().splitlines()) - set(first.decode().splitlines())
    assert not any('"z"' in line or '"a"' in line for line in changed)


@pytest.mark.parametrize(
    "damage",
    [
        "", "[]", "{}", '{"schema": "tinygen.baseline/2", "budgets": {}}', "\xff", "[" * 100_000,
        '{"schema": "tinygen.baseline/1", "budgets": {"kws": {"pico": {"aot": {}}}}}',
        '"flash_bytes": -1', '"flash_bytes": 1.5', '"flash_bytes": "1"', '"flash_bytes": true', '"value": NaN',
        '"value": "x"', '"source": "guessed"', '"allow": {"flash": "x"}', '"allow": {"disk": "1"}', '"samples": null',
        '"more": 1, "flash_bytes": 1',
    ],
)  # fmt: skip
def test_damage_is_told_and_never_written_over(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    write_baseline(path, updated([budget()], {}, {}))
    key = damage.partition(":")[0].rpartition("{")[2].split(",")[0] if damage.startswith('"') else ""
    whole = path.read_text()
    key = '"flash_bytes"' if key == '"more"' else key
    damaged = re.sub(rf"{key}: (\{{\}}|[^,\n]*)", lambda _: damage, whole, count=1) if key else damage
    assert damaged != whole
    path.write_bytes(damaged.encode("latin-1"))
    for missing in (False, True):
        with pytest.raises(BadInput, match="damaged baseline"):
            read_baseline(path, missing=missing)
    assert path.read_bytes() == damaged.encode("latin-1")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file") as error:
        read_baseline(tmp_path / "b.json")
    assert "--update-baseline" in error.value.hint
    assert read_baseline(tmp_path / "b.json", missing=True) == {}
    with pytest.raises(BadInput):
        read_baseline(tmp_path, missing=True)


@pytest.mark.parametrize(
    ("text", "unit", "of_1000"),
    [
        ("0", "bytes", 0), ("1K", "bytes", 1024), ("1%", "bytes", 10), ("0.5 %", "count", 5), ("7", "count", 7),
        ("0.005", "points", 0.005), ("0", "points", 0), ("1%", "points", None), ("-1", "bytes", None),
        ("1.5", "count", None), ("1.5", "bytes", None), ("nan", "points", None), ("inf", "points", None),
        ("", "bytes", None), ("1K", "count", None), ("1e3", "count", None), ("2000%", "bytes", None),
        ("9" * 400, "points", None),
    ],
)  # fmt: skip
def test_allowances(text: str, unit: str, of_1000: float | None) -> None:
    if of_1000 is None:
        with pytest.raises(ValueError):
            parse_allowance(text, unit)
    else:
        assert parse_allowance(text, unit).of(1000) == of_1000


def hostile() -> Any:
    """A verdict that fails in every way, of a report whose names would like to be something else."""
    before = replace(budget(10, 10), model=HOSTILE)
    now = replace(before, flash=Usage("Flash", 100, {HOSTILE: 300}), ram=Usage("RAM", 100, {"arena": 300}),
                  largest=HOSTILE, notes=(HOSTILE,))  # fmt: skip
    now = ran(now, instructions=20_000, metric={**METRIC, "value": 0.1})
    verdict = judge(now, Path("models") / "a:b,c %\n.tflite", FILE, updated([before], {}, {}), {})
    assert len(verdict.problems) == 6
    return verdict


def test_junit_is_what_consumers_read() -> None:
    text = junit([hostile(), judge(budget(), FILE, None, {}, {})])
    root = ET.fromstring(text.encode())
    assert root.tag == "testsuites" and [s.tag for s in root] == ["testsuite", "testsuite"]
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("8", "4", "0")
    for suite in root:
        assert set(suite.attrib) == {"name", "tests", "failures", "errors", "skipped", "time"}
        assert {child.tag for child in suite} <= {"properties", "testcase", "system-out"}
        cases = suite.findall("testcase")
        assert [case.get("name") for case in cases] == list(TITLES)
        assert int(suite.get("tests", "")) == len(cases)
        assert int(suite.get("failures", "")) == len(suite.findall("testcase/failure"))
        for case in cases:
            assert set(case.attrib) == {"classname", "name", "time"}
            assert {child.tag for child in case} <= {"failure", "system-out"}
            assert all(set(failure.attrib) == {"message", "type"} for failure in case.findall("failure"))
    assert not re.search(r"[^\x20-\ud7ff\ue000-\ufffd\n\U00010000-\U0010ffff]", text)
    planned = judge(ran(budget(), instructions=None, metric=None), FILE, None, {}, {})
    assert [case.get("name") for case in ET.fromstring(junit([planned])).iter("testcase")] == ["flash", "ram"]


def test_sarif_has_what_its_schema_requires(tmp_path: Path) -> None:
    log = json.loads(sarif([hostile(), judge(budget(), FILE, None, {}, {})], Path.cwd()))
    assert (log["version"], len(log["runs"])) == ("2.1.0", 1) and log["$schema"].endswith("sarif-2.1.0.json")
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert run["tool"]["driver"]["name"] == "tinygen" and len({rule["id"] for rule in rules}) == len(rules) == 6
    for rule in rules:
        assert all(rule[key]["text"] for key in ("shortDescription", "fullDescription", "help"))
        assert re.fullmatch(r"[A-Za-z]+", rule["name"]) and rule["defaultConfiguration"]["level"] == "error"
    assert {result["ruleId"] for result in run["results"]} == {rule["id"] for rule in rules}
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("none", "note", "warning", "error") and result["message"]["text"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"] == {"uri": "models/a%3Ab%2Cc%20%25%0A.tflite", "uriBaseId": "%SRCROOT%"}
        assert place["region"]["startLine"] >= 1
    assert len({result["partialFingerprints"]["budget/v1"] for result in run["results"]}) == 6
    elsewhere = json.loads(sarif([hostile()], tmp_path))["runs"][0]["results"][0]["locations"][0]
    assert elsewhere["physicalLocation"]["artifactLocation"]["uri"].startswith("file:///")
    assert json.loads(sarif([judge(budget(), FILE, None, {}, {})], Path.cwd()))["runs"][0]["results"] == []


def unescaped(text: str, more: dict[str, str]) -> str:
    """As the runner of GitHub Actions reads a workflow command."""
    for old, new in {**more, "%0D": "\r", "%0A": "\n", "%25": "%"}.items():
        text = text.replace(old, new)
    return text


def test_annotations_are_one_command_each() -> None:
    verdict = hostile()
    lines = error_commands([verdict], Path.cwd())
    assert len(lines) == 6
    for line, problem in zip(lines, verdict.problems):
        assert line.isprintable() and line.count("::") >= 2
        match = re.fullmatch(r"::error (file=[^:,]*,line=1,title=[^:,]*)::(.*)", line)
        assert match is not None, line
        properties = dict(pair.split("=", 1) for pair in match[1].split(","))
        assert unescaped(properties["file"], {"%3A": ":", "%2C": ","}) == "models/a:b,c %\n.tflite"
        said = unescaped(match[2], {})
        assert said.replace("\r", "").split()[:3] == problem.text.split()[:3]
    assert error_commands([judge(budget(), FILE, None, {}, {})], Path.cwd()) == []


def test_markdown_is_a_whole_table() -> None:
    text = markdown([hostile(), judge(budget(), FILE, None, {}, {})])
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) == 2 + 4 + 4
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {9}
    assert not re.search(r"(?<!\\)[<`\[]", text.replace("\\\\", ""))
    assert text.isascii() and all(line.isprintable() for line in text.splitlines())
    assert "over budget, worse than the baseline" in text and "| ok |" in text and "failed" in text.splitlines()[0]
