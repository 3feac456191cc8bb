"""What `tinygen check` reads and writes besides its table: the baseline, JUnit, SARIF, Markdown, GitHub's commands."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..baseline import UNITS, Entries, Kind, read_baseline, write_baseline
from ..errors import BadInput
from ..gates import Verdict, judge, lost, updated
from ..project import MANIFEST
from ..report.github import error_commands
from ..report.junit import junit
from ..report.markdown import markdown
from ..report.sarif import sarif
from ..units import parse_allowance
from ..usage import BudgetReport
from .options import require_writable, write_text

CONFIG = "tinygen.toml"


@dataclass(frozen=True)
class Outputs:
    """Files asked for by option; `baseline` is set where that is written too."""

    junit: Path | None
    sarif: Path | None
    markdown: Path | None
    github: bool
    baseline: Path | None

    def __post_init__(self) -> None:
        """BadInput before any work where one could not be written, or two are the same file."""
        named = {"--junit": self.junit, "--sarif": self.sarif, "--markdown": self.markdown, "--baseline": self.baseline}
        files = {option: path for option, path in named.items() if path is not None}
        for option, path in files.items():
            if str(path) == "-":
                raise BadInput(f"{option} -: only --json goes to standard output.", "Name a file.")
            require_writable(option, path)
        if len({path.resolve() for path in files.values()}) < len(files):
            raise BadInput(f"{', '.join(files)}: two of them name the same file.")

    def write(self, verdicts: Sequence[Verdict], *, to_errors: bool) -> None:
        """Writes all of them; annotations go to standard error where standard output is JSON."""
        folder = Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd())
        if self.junit:
            write_text(self.junit, junit(verdicts))
        if self.sarif:
            write_text(self.sarif, sarif(verdicts, folder))
        if self.markdown:
            write_text(self.markdown, markdown(verdicts))
        if not self.github and os.environ.get("GITHUB_ACTIONS") != "true":
            return
        stream = sys.stderr if to_errors else sys.stdout
        for line in error_commands(verdicts, folder):
            print(line, file=stream)
        stream.flush()
        _summary(os.environ.get("GITHUB_STEP_SUMMARY", ""), markdown(verdicts))


def _summary(path: str, text: str) -> None:
    if not path:
        return
    try:
        with Path(path).open("a", encoding="utf-8") as stream:
            stream.write(text + "\n")
    except OSError as error:
        raise BadInput(f"$GITHUB_STEP_SUMMARY {path}: cannot be written: {error.strerror}.") from error


def allowances(given: dict[Kind, str | None], baseline: Path | None, update: bool) -> dict[Kind, str]:
    """The allowances given, checked. BadInput for any without a baseline."""
    found: dict[Kind, str] = {kind: text.strip() for kind, text in given.items() if text is not None}
    for kind, text in found.items():
        try:
            parse_allowance(text, UNITS[kind])
        except ValueError as error:
            raise BadInput(f"--allow-{kind}: {error}.") from error
    if baseline is None and (found or update):
        option = f"--allow-{next(iter(found))}" if found else "--update-baseline"
        raise BadInput(f"{option} speaks of a baseline, and none is named.", "--baseline budgets.json")
    return found


def judge_all(
    reports: Sequence[BudgetReport], target: Path, baseline: Path | None, update: bool, allow: dict[Kind, str]
) -> list[Verdict]:
    """The reports held to limits and baseline; with `update` the baseline is written first, from them."""
    entries: Entries = read_baseline(baseline, missing=update) if baseline else {}
    place = _place(target)
    if not (baseline and update):
        return [judge(report, place, baseline, entries, allow) for report in reports]
    renewed = updated(reports, entries, allow)
    write_baseline(baseline, renewed)
    verdicts = [judge(report, place, baseline, renewed, allow) for report in reports]
    return [replace(v, notes=(*v.notes, *lost(v.report, entries, baseline))) for v in verdicts]


def _place(target: Path) -> Path:
    """The file that a reader opens first: the nearest tinygen.toml above, else the model or the project's manifest."""
    here = target.resolve()
    for folder in here.parents:
        if (folder / CONFIG).is_file():
            return folder / CONFIG
        if folder == Path.cwd().resolve():
            break
    return target / MANIFEST if target.is_dir() else target
