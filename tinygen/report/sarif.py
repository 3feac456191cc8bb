"""SARIF 2.1.0 of a check: a rule for each way to fail, a result for each budget that does."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .. import __version__
from ..gates import TITLES, Problem, Verdict
from ..usage import REMEDY

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_ROOT = "%SRCROOT%"
_ACCEPT = "Find the change that made it worse; `tinygen check --update-baseline` accepts what is there now."


def sarif(verdicts: Sequence[Verdict], folder: Path) -> str:
    """The log; files below `folder`, the checkout's root, are named relative to it."""
    rules = _rules()
    places = {rule["id"]: i for i, rule in enumerate(rules)}
    results = [
        _result(problem, verdict, places[problem.rule], folder) for verdict in verdicts for problem in verdict.problems
    ]
    driver = {"name": "tinygen", "version": __version__, "rules": rules}
    run = {
        "tool": {"driver": driver},
        "columnKind": "utf16CodeUnits",
        "automationDetails": {"id": "tinygen/check/"},
        "results": results,
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1, ensure_ascii=True) + "\n"


def _rules() -> list[dict[str, Any]]:
    rules = []
    for kind, title in TITLES.items():
        if kind in ("flash", "ram"):
            over = f"{title}: over the board's limit or the one given."
            rules.append(_rule(kind, f"{title}OverBudget", over, REMEDY))
        worse = f"{title}: worse than in the baseline by more than allowed."
        rules.append(_rule(f"{kind}-worse", f"{title}WorseThanBaseline", worse, _ACCEPT))
    return rules


def _rule(name: str, title: str, text: str, remedy: str) -> dict[str, Any]:
    return {
        "id": name,
        "name": title,
        "shortDescription": {"text": text},
        "fullDescription": {"text": text},
        "help": {"text": remedy},
        "defaultConfiguration": {"level": "error"},
    }


def _result(problem: Problem, verdict: Verdict, index: int, folder: Path) -> dict[str, Any]:
    report = verdict.report
    place = {"artifactLocation": _file(verdict.place, folder), "region": {"startLine": 1}}
    return {
        "ruleId": problem.rule,
        "ruleIndex": index,
        "level": "error",
        "message": {"text": f"{report.model} ({report.runtime}): {problem.text}"},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"budget/v1": f"{report.model}/{report.board}/{report.runtime}/{problem.rule}"},
    }


def _file(path: Path, folder: Path) -> dict[str, str]:
    below = relative(path, folder)
    if below is None:
        return {"uri": path.resolve().as_uri()}
    return {"uri": quote(os.fsencode(below)), "uriBaseId": _ROOT}


def relative(path: Path, folder: Path) -> str | None:
    """The path from `folder` with slashes, None where it lies elsewhere."""
    try:
        return path.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError:
        return None
