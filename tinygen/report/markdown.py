"""A Markdown table of a check, for the summary of a CI job or a comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..gates import Gate, Verdict

_COLUMNS = ["model", "board", "budget", "used", "limit", "headroom", "change", "verdict"]


def markdown(verdicts: Sequence[Verdict]) -> str:
    """A heading, one table for all, what failed and the notes; names are escaped."""
    failed = any(verdict.problems for verdict in verdicts)
    rows = [_row(gate, verdict) for verdict in verdicts for gate in verdict.gates]
    lines = [
        f"### tinygen check: {'failed' if failed else 'passed'}",
        "",
        _line(_COLUMNS),
        "| --- | --- | --- | ---: | ---: | ---: | ---: | --- |",
        *(_line([escape(cell) for cell in row]) for row in rows),
    ]
    said = [f"- {escape(problem.text)}" for verdict in verdicts for problem in verdict.problems]
    notes = [escape(note) for verdict in verdicts for note in (*verdict.report.notes, *verdict.notes)]
    said += [f"- {note}" for note in dict.fromkeys(notes)]
    return "\n".join([*lines, *([""] if said else []), *said]) + "\n"


def _row(gate: Gate, verdict: Verdict) -> list[str]:
    report = verdict.report
    over = "over budget" if gate.shortage else ""
    worse = "worse than the baseline" if gate.is_worse else ""
    limit = headroom = change = ""
    if gate.limit is not None:
        limit, left = gate.text(gate.limit), gate.limit - gate.value
        headroom = f"{gate.text(left)} ({100 * left / gate.limit:.0f} %)"
    if gate.delta is not None:
        change = gate.text(gate.delta, sign=True) if gate.delta else "none"
    source = f" ({report.source})" if gate.kind in ("flash", "ram") else ""
    verdict_text = ", ".join(filter(None, (over, worse))) or "ok"
    board = f"{report.board} {report.runtime}"
    return [report.model, board, gate.title + source, gate.text(gate.value), limit, headroom, change, verdict_text]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def escape(text: str) -> str:
    """Text that no Markdown hides in: punctuation with a meaning is escaped, unprintable characters are spelt out."""
    plain = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return re.sub(r"([\\`*_{}\[\]<>#|~!&@$])", r"\\\1", plain)
