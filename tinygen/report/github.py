"""Annotations of GitHub Actions: workflow commands on the job's output, which the runner shows beside the code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..gates import Verdict
from .sarif import relative


def error_commands(verdicts: Sequence[Verdict], folder: Path) -> list[str]:
    """An ::error line for each problem; `folder` is the checkout's root."""
    lines = []
    for verdict in verdicts:
        for problem in verdict.problems:
            report = verdict.report
            properties = {"title": f"{report.model} on {report.board}: {problem.title}"}
            file = relative(verdict.place, folder)
            if file is not None:
                properties = {"file": file, "line": "1", **properties}
            listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
            lines.append(f"::error {listed}::{_data(problem.text)}")
    return lines


def _data(text: str) -> str:
    """A message as the runner unescapes it; other control characters are spelt out."""
    plain = "".join(c if c.isprintable() or c in "\r\n" else c.encode("unicode_escape").decode() for c in text)
    return plain.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """The same for a property's value, where a colon or a comma would end it."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
