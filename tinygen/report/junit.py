"""JUnit XML of a check: a suite a model and board, a test case a budget."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from ..gates import Gate, Verdict


def junit(verdicts: Sequence[Verdict]) -> str:
    """The document, in the form that Jenkins and GitLab read; it carries no time, so that equal checks are equal."""
    suites = [_suite(verdict) for verdict in verdicts]
    cases = [case for suite in suites for case in suite.iter("testcase")]
    root = ET.Element("testsuites", {"name": "tinygen check", **_counts(cases)})
    root.extend(suites)
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(verdict: Verdict) -> ET.Element:
    report = verdict.report
    name = f"{report.model} on {report.board} ({report.runtime})"
    cases = [_case(gate, verdict, f"tinygen.{report.model}.{report.board}.{report.runtime}") for gate in verdict.gates]
    suite = ET.Element("testsuite", {"name": printable(name), **_counts(cases), "skipped": "0"})
    properties = ET.SubElement(suite, "properties")
    for key, value in (("board", report.board), ("runtime", report.runtime), ("source", report.source)):
        ET.SubElement(properties, "property", {"name": key, "value": printable(value)})
    suite.extend(cases)
    notes = [*report.notes, *verdict.notes]
    if notes:
        ET.SubElement(suite, "system-out").text = printable("\n".join(notes))
    return suite


def _case(gate: Gate, verdict: Verdict, group: str) -> ET.Element:
    case = ET.Element("testcase", {"classname": printable(group), "name": gate.kind, "time": "0"})
    worsening = gate.worsening(verdict.report.board)
    said = [text for text in (gate.shortage, worsening) if text]
    if said:
        kind = "over-budget" if gate.shortage else "worse-than-baseline"
        failure = ET.SubElement(case, "failure", {"message": printable(said[0]), "type": kind})
        failure.text = printable("\n".join(said))
    limit = f", of {gate.text(gate.limit)}" if gate.limit is not None else ""
    before = f", was {gate.text(gate.before)}" if gate.before is not None else ""
    ET.SubElement(case, "system-out").text = printable(f"{gate.text(gate.value)}{limit}{before}")
    return case


def _counts(cases: Sequence[ET.Element]) -> dict[str, str]:
    failed = sum(case.find("failure") is not None for case in cases)
    return {"tests": str(len(cases)), "failures": str(failed), "errors": "0", "time": "0"}


def printable(text: str) -> str:
    """The text without what XML 1.0 cannot hold, and without what could move a terminal's cursor."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)
