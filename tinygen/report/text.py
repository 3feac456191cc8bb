"""Tables for the terminal, within its width; names that come from models are data and never markup."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, set_cell_size
from rich.table import Table
from rich.text import Text

from ..units import format_size
from ..usage import BudgetReport, Usage

if TYPE_CHECKING:
    from ..gates import Verdict

_LEAST = 8  # columns of a text that has to give way


def plain(value: object, width: int = 0) -> Text:
    """A value as text that no markup can hide in; longer than `width` it ends in an ellipsis."""
    text = "".join(c if c.isprintable() else "?" for c in str(value))
    return Text(text if not width or cell_len(text) <= width else set_cell_size(text, width - 1).rstrip() + "…")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, wrap: bool = False) -> Table:
    """A table whose columns after the first are right-aligned where they hold numbers.

    Where the terminal is too narrow, the widest texts end in an ellipsis; with `wrap` they go on in the next line.
    """
    body = [list(row) for row in rows]
    numeric = [bool(body) and all(_is_number(row[i]) for row in body) for i in range(len(columns))]
    cells = [[plain(_number(cell)) for cell in row] for row in body]
    widths = [max([cell_len(name), *(row[i].cell_len for row in cells)]) for i, name in enumerate(columns)]
    if not wrap:
        widths = _fit(widths, numeric)
    made = Table(
        title=plain(title) if title else None,
        title_justify="left",
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
        header_style="bold",
        title_style="bold",
        show_header=any(columns),
    )
    for i, column in enumerate(columns):
        made.add_column(column, justify="right" if i and numeric[i] else "left", overflow="fold", no_wrap=not wrap)
    for row in cells:
        made.add_row(*(text if wrap else plain(text.plain, width) for text, width in zip(row, widths)))
    return made


def _fit(widths: list[int], fixed: Sequence[bool]) -> list[int]:
    """The widths with the widest texts cut until the table fits the terminal."""
    room = shutil.get_terminal_size((80, 24)).columns - 2 * len(widths) + 2
    cut = list(widths)
    while sum(cut) > room:
        widest = max((i for i in range(len(cut)) if not fixed[i]), key=lambda i: cut[i], default=None)
        if widest is None or cut[widest] <= _LEAST:
            break
        cut[widest] -= 1
    return cut


def _is_number(cell: object) -> bool:
    return isinstance(cell, (int, float)) or cell in ("", "-") or (isinstance(cell, str) and cell[:1].isdigit())


def _number(cell: object) -> str:
    return f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else str(cell)


def budget_table(report: BudgetReport) -> Table:
    """Flash and RAM by part, against their limits."""
    rows: list[list[object]] = []
    for usage in (report.flash, report.ram):
        rows += [[usage.region, part, format_size(size), ""] for part, size in usage.parts.items()]
        rows.append([usage.region, "all, of limit", format_size(usage.used_bytes), _limit(usage)])
    return table(f"Budget on {report.board} ({report.source})", ["memory", "part", "size", "limit"], rows)


def _limit(usage: Usage) -> str:
    share = 100 * usage.used_bytes / usage.limit_bytes
    state = "OVER" if usage.short_bytes else "fits"
    return f"{format_size(usage.limit_bytes)} ({share:.0f} %, {state})"


def gates_table(verdicts: Sequence[Verdict]) -> Table:
    """A row a budget: of several boards, or with what the baseline says."""
    rows: list[list[object]] = []
    for verdict in verdicts:
        for gate in verdict.gates:
            limit = gate.text(gate.limit) if gate.limit is not None else "-"
            change = "-" if gate.delta is None else gate.text(gate.delta, sign=True) if gate.delta else "none"
            state = "OVER" if gate.shortage else "WORSE" if gate.is_worse else "ok"
            rows.append([verdict.report.board, gate.title, gate.text(gate.value), limit, change, state])
    return table("Budgets", ["board", "budget", "used", "limit", "change", ""], rows)


def layer_table(layers: Sequence[dict[str, Any]], columns: Sequence[tuple[str, str]]) -> Table:
    """Layers of an inspection or a simulation; `columns` are (heading, key)."""
    rows = [[i, *(_cell(layer.get(key), key) for _, key in columns)] for i, layer in enumerate(layers)]
    return table("", ["#", *(heading for heading, _ in columns)], rows)


def _cell(value: object, key: str) -> object:
    if value is None:
        return "-"
    if key == "output_shape" and isinstance(value, list):
        return "×".join(str(n) for n in value) or "1"
    if key == "name":
        return f"{plain(value, 40).plain}"
    return value


def simulation_table(result: dict[str, Any]) -> Table:
    """What a simulation found, a fact a line."""
    reference = result["reference"] or {}
    differ = result["mismatched_samples"]
    bits = "not compared" if differ is None else f"{differ} of {result['samples']} samples differ"
    rows: list[list[object]] = [
        ["bits", f"{bits} from {reference.get('name', 'the reference')}"],
        ["on", f"{result['board']} in {result['simulator']}, {result['compiler']}"],
    ]
    for form in result.get("forms", ()):
        told = f"not run: {form['reason']}"
        if not form["reason"]:
            wrong = form["mismatched_samples"]
            same = "not compared" if wrong is None else f"{wrong} of {result['samples']} samples differ"
            told = f"{same}, {form['on']}"
        rows.append([form["form"], told])
    if result.get("checked"):
        rows.append(["build", "checked: sizes and instructions count its guard zones"])
    reasons = result["reasons"]
    for key, label in (
        ("instructions_per_inference", "instructions an inference"),
        ("flash_bytes", "flash bytes of the program"),
        ("weights_bytes", "of these weights"),
        ("code_bytes", "of these code"),
        ("arena_bytes", "arena bytes"),
        ("state_bytes", "state bytes"),
        ("stack_bytes", "stack bytes"),
    ):
        value = result[key]
        rows.append([label, f"{value:,}" if value is not None else f"unknown: {reasons.get(key, 'not measured')}"])
    metric = result["metric"]
    if metric:
        rows.append(
            [metric["name"], f"{metric['value']:.4f} on {metric['samples']} samples, by the firmware's own bits"]
        )
    return table("", ["", ""], rows, wrap=True)
