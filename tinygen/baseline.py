"""budgets.json: what models took when their budgets were accepted, by model, board and runtime, for later checks.

One file holds as many models and boards as there are; each line is one figure, in a fixed order, so that a diff of it
reads as what got better or worse. A file that is damaged is an error and never written over.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from .errors import BadInput
from .units import parse_allowance
from .usage import BudgetReport
from .writing import write_whole

Kind = Literal["flash", "ram", "instructions", "accuracy"]
#: Each kind of budget and the unit that its allowance is given in.
UNITS: dict[Kind, str] = {"flash": "bytes", "ram": "bytes", "instructions": "count", "accuracy": "points"}
MAX_BYTES = 1 << 24
Count = Annotated[int, Field(strict=True, ge=0, lt=2**53)]
Text = Annotated[str, Field(strict=True, max_length=200)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Metric(_Strict):
    """The metric of the firmware's own bits on held-out data."""

    name: Text
    value: Annotated[float, Field(allow_inf_nan=False)]
    samples: Count


class Entry(_Strict):
    """What one model took on one board; `allow` holds what `--allow-…` gave when it was written."""

    source: Literal["planned", "linked"]
    flash_bytes: Count
    ram_bytes: Count
    instructions: Count | None = None
    simulator: Text | None = None
    metric: Metric | None = None
    compiler: Text | None = None
    allow: dict[Kind, Text] = {}

    @field_validator("allow")
    @classmethod
    def _parse(cls, value: dict[Kind, str]) -> dict[Kind, str]:
        for kind, text in value.items():
            parse_allowance(text, UNITS[kind])
        return value


class _File(_Strict):
    schema_: Literal["tinygen.baseline/1"] = Field(alias="schema")
    budgets: dict[str, dict[str, dict[str, Entry]]]


Entries = dict[tuple[str, str, str], Entry]


def key_of(report: BudgetReport) -> tuple[str, str, str]:
    """Model, board and runtime; a checked build is none of the ordinary one's business."""
    return report.model, report.board, f"{report.runtime}, checked" if report.checked else report.runtime


def entry_of(report: BudgetReport, allow: dict[Kind, str]) -> Entry:
    """The entry that says what this report says."""
    ran = report.performance
    return Entry(
        source=report.source,
        flash_bytes=report.flash.used_bytes,
        ram_bytes=report.ram.used_bytes,
        instructions=ran.instructions,
        simulator=None if ran.instructions is None else ran.simulator,
        metric=Metric(**ran.metric) if ran.metric else None,
        compiler=ran.compiler if report.source == "linked" else None,
        allow=allow,
    )


def read_baseline(path: Path, *, missing: bool = False) -> Entries:
    """The entries of a file; none where `missing` files are no error. Raises BadInput for a damaged file."""
    try:
        if missing and not path.exists():
            return {}
        if not path.is_file():
            raise BadInput(f"{path}: there is no such file.", "--update-baseline writes it.")
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"it is longer than {MAX_BYTES} bytes")
        raw: Any = json.loads(path.read_bytes().decode("utf-8"))
        found = _File.model_validate(raw).budgets
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, problem["loc"]))[:80]
        raise _damaged(path, f"{where}: {problem['msg']}") from error
    except (ValueError, RecursionError) as error:
        raise _damaged(path, (str(error).splitlines() or ["?"])[0]) from error
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}.") from error
    return {
        (model, board, runtime): entry
        for model, boards in found.items()
        for board, runtimes in boards.items()
        for runtime, entry in runtimes.items()
    }


def _damaged(path: Path, what: str) -> BadInput:
    return BadInput(f"{path}: damaged baseline: {what}.", "Mend it or take it back from version control.")


def write_baseline(path: Path, entries: Entries) -> None:
    """Writes the file whole, sorted: equal entries are equal bytes."""
    budgets: dict[str, dict[str, dict[str, Any]]] = {}
    for (model, board, runtime), entry in sorted(entries.items()):
        budgets.setdefault(model, {}).setdefault(board, {})[runtime] = entry.model_dump(mode="json")
    text = json.dumps({"schema": "tinygen.baseline/1", "budgets": budgets}, indent=1, ensure_ascii=True) + "\n"
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise BadInput(f"{path}: cannot be written: {error.strerror}.") from error
