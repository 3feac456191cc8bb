"""Gates: each budget of a report held to its limit and to a baseline; what the outputs for CI are written from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .baseline import UNITS, Entries, Entry, Kind, entry_of, key_of
from .errors import BadInput, OverBudget
from .objective import MORE_IS_BETTER
from .units import Allowance, format_size, parse_allowance
from .usage import NOT_RUN, REMEDY, BudgetReport

TITLES: dict[Kind, str] = {"flash": "Flash", "ram": "RAM", "instructions": "Instructions", "accuracy": "Accuracy"}
_NEWER = "--update-baseline accepts what is there now."
#: Sums of decimal fractions are off by less than this.
_EPSILON = 1e-9


@dataclass(frozen=True)
class Gate:
    """One budget: its value, the limit, and what the baseline has; `less_is_better` but for accuracy.

    `shortage` says by how much the limit is passed, empty where it is not.
    """

    kind: Kind
    title: str
    value: float
    limit: int | None = None
    before: float | None = None
    allowed: float = 0.0
    shortage: str = ""
    less_is_better: bool = True

    @property
    def delta(self) -> float | None:
        """The change since the baseline."""
        return None if self.before is None else self.value - self.before

    @property
    def is_worse(self) -> bool:
        """Whether it is worse than the baseline by more than allowed."""
        delta = self.delta
        return delta is not None and (delta if self.less_is_better else -delta) > self.allowed + _EPSILON

    @property
    def passed(self) -> bool:
        """Whether it keeps to limit and baseline."""
        return not self.shortage and not self.is_worse

    def text(self, value: float, sign: bool = False) -> str:
        """A value of this kind as people read it."""
        plus = "+" if sign and value > 0 else "-" if value < 0 else ""
        if UNITS[self.kind] == "bytes":
            return plus + format_size(abs(int(value)))
        return plus + (f"{abs(int(value)):,}" if UNITS[self.kind] == "count" else f"{abs(value):.4f}")

    def worsening(self, board: str) -> str:
        """The sentence for one that is worse than its baseline, else empty."""
        if self.before is None or self.delta is None or not self.is_worse:
            return ""
        allowed = self.text(self.allowed)
        return (
            f"{self.title} on {board} worse than the baseline: {self.text(self.value)}, was {self.text(self.before)} "
            f"({self.text(self.delta, sign=True)}, allowed {allowed})."
        )


@dataclass(frozen=True)
class Problem:
    """One reason to fail: `rule` is the kind, with "-worse" where the baseline says so."""

    rule: str
    title: str
    text: str


@dataclass(frozen=True)
class Verdict:
    """A report with its gates. `place` is the file that a reader opens first, `baseline` the file compared with."""

    report: BudgetReport
    gates: tuple[Gate, ...]
    place: Path
    baseline: Path | None = None
    notes: tuple[str, ...] = ()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Why it fails; empty where it passes."""
        found = []
        for gate in self.gates:
            if gate.shortage:
                found.append(Problem(gate.kind, f"{gate.title} over budget", gate.shortage))
            if gate.is_worse:
                title = f"{gate.title} worse than the baseline"
                found.append(Problem(f"{gate.kind}-worse", title, gate.worsening(self.report.board)))
        return tuple(found)

    def json(self) -> dict[str, Any]:
        """The "tinygen.budget/1" object with what the baseline says."""
        return {**self.report.json(), "passed": not self.problems, "baseline": self._baseline()}

    def _baseline(self) -> dict[str, Any] | None:
        if self.baseline is None:
            return None
        compared = {
            gate.kind: {
                "before": _number(gate, gate.before),
                "delta": _number(gate, gate.delta or 0),
                "allowed": gate.allowed,
                "worse": gate.is_worse,
            }
            for gate in self.gates
            if gate.before is not None
        }
        return {"file": str(self.baseline), **{kind: compared.get(kind) for kind in TITLES}, "notes": list(self.notes)}


def _number(gate: Gate, value: float) -> float:
    return round(value, 9) if UNITS[gate.kind] == "points" else int(value)


def judge(
    report: BudgetReport, place: Path, baseline: Path | None, entries: Entries, allow: dict[Kind, str]
) -> Verdict:
    """Holds a report to its limits, and to its entry where there is a `baseline`; `allow` goes before what that has.

    Raises BadInput where the baseline has no entry, or figures that cannot be compared.
    """
    if baseline is None:
        return Verdict(report, _gates(report, None, {}), place)
    model, board, runtime = key = key_of(report)
    entry = entries.get(key)
    if entry is None:
        raise BadInput(f"{baseline}: nothing about {model} on {board} ({runtime}).", "--update-baseline adds it.")
    _check_comparable(report, entry, baseline)
    given: dict[Kind, str] = {**entry.allow, **allow}
    allowed = {kind: parse_allowance(text, UNITS[kind]) for kind, text in given.items()}
    return Verdict(report, _gates(report, entry, allowed), place, baseline, _notes(report, entry))


def updated(reports: Sequence[BudgetReport], entries: Entries, allow: dict[Kind, str]) -> Entries:
    """The entries with those of `reports` in them; what an entry allowed stays allowed where `allow` says nothing."""
    found = dict(entries)
    for report in reports:
        before = found.get(key_of(report))
        kept: dict[Kind, str] = before.allow if before else {}
        found[key_of(report)] = entry_of(report, {**kept, **allow})
    return found


def lost(report: BudgetReport, before: Entries, baseline: Path) -> tuple[str, ...]:
    """What an entry had before it was renewed by a report that has it not."""
    was, ran = before.get(key_of(report)), report.performance
    gone = []
    if was and was.instructions is not None and ran.instructions is None:
        gone.append(f"instructions ({ran.reasons.get('instructions', NOT_RUN)})")
    if was and was.metric and not ran.metric:
        gone.append(f"{was.metric.name} ({ran.reasons.get('metric', NOT_RUN)})")
    what = f"{report.model} on {report.board}"
    return (f"{baseline} holds no longer of {what}: {', '.join(gone)}.",) if gone else ()


def _gates(report: BudgetReport, entry: Entry | None, allowed: dict[Kind, Allowance]) -> tuple[Gate, ...]:
    ran = report.performance

    def margin(kind: Kind, before: float | None) -> float:
        return allowed.get(kind, Allowance()).of(before or 0)

    gates = []
    kinds: tuple[Kind, Kind] = ("flash", "ram")
    for kind, usage in zip(kinds, (report.flash, report.ram)):
        was = None if entry is None else entry.flash_bytes if kind == "flash" else entry.ram_bytes
        short = report.shortage_of(usage)
        gates.append(
            Gate(kind, TITLES[kind], usage.used_bytes, usage.limit_bytes, was, margin(kind, was), shortage=short)
        )
    if ran.instructions is not None:
        was = entry.instructions if entry else None
        title = TITLES["instructions"]
        gates.append(Gate("instructions", title, ran.instructions, None, was, margin("instructions", was)))
    if ran.metric:
        named = ran.metric["name"]
        point = entry.metric.value if entry and entry.metric else None
        title = TITLES["accuracy"] if named == "accuracy" else str(named).upper()
        less = named not in MORE_IS_BETTER
        value = float(ran.metric["value"])
        gates.append(Gate("accuracy", title, value, None, point, margin("accuracy", point), less_is_better=less))
    return tuple(gates)


def _check_comparable(report: BudgetReport, entry: Entry, baseline: Path) -> None:
    """A gate that cannot compare does not pass."""
    what = f"{baseline}: {report.model} on {report.board}"
    ran = report.performance
    if entry.source != report.source:
        hint = "Check the rendered project" if entry.source == "linked" else "Check the model itself"
        raise BadInput(
            f"{what} was {entry.source} there and is {report.source} here: the two do not compare.",
            f"{hint}, or {_NEWER}",
        )
    if entry.instructions is not None and ran.instructions is None:
        reason = ran.reasons.get("instructions", NOT_RUN)
        raise BadInput(f"{what} has instructions there and none here: {reason}.", _NEWER)
    if entry.metric is None:
        return
    if ran.metric is None:
        reason = ran.reasons.get("metric", NOT_RUN)
        raise BadInput(f"{what} has {entry.metric.name} there and none here: {reason}.", f"--data D.npz, or {_NEWER}")
    there, here = (entry.metric.name, entry.metric.samples), (ran.metric["name"], ran.metric["samples"])
    if there != here:
        raise BadInput(
            f"{what}: {there[0]} of {there[1]} samples there, {here[0]} of {here[1]} here: not the same data.", _NEWER
        )


def _notes(report: BudgetReport, entry: Entry) -> tuple[str, ...]:
    """What differs besides the figures."""
    ran, notes = report.performance, []
    if entry.compiler and ran.compiler and entry.compiler != ran.compiler:
        notes.append(f"The baseline was built by {entry.compiler}, this by {ran.compiler}: sizes differ for that too.")
    if entry.simulator and ran.simulator and entry.simulator != ran.simulator:
        notes.append(f"The baseline was counted in {entry.simulator}, this in {ran.simulator}.")
    new = ["instructions"] if ran.instructions is not None and entry.instructions is None else []
    new += [ran.metric["name"]] if ran.metric and not entry.metric else []
    if new:
        notes.append(f"Not in the baseline yet: {', '.join(new)}. --update-baseline adds it.")
    return tuple(notes)


def require(verdicts: Sequence[Verdict]) -> None:
    """Raises OverBudget with every problem, and what to do."""
    problems = [problem for verdict in verdicts for problem in verdict.problems]
    if problems:
        over = any(not problem.rule.endswith("-worse") for problem in problems)
        raise OverBudget(" ".join(problem.text for problem in problems), REMEDY if over else _NEWER)
