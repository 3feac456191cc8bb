"""Tables for the terminal, within 80 columns; names that come from models are data and never markup."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from ..units import format_size
from ..usage import BudgetReport, Usage


def plain(value: object, width: int = 0) -> Text:
    """A value as text that no markup can hide in; longer than `width` it ends in an ellipsis."""
    text = "".join(c if c.isprintable() else "?" for c in str(value))
    return Text(text if not width or len(text) <= width else text[: width - 1] + "…")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A table whose columns after the first are right-aligned where they hold numbers."""
    body = [list(row) for row in rows]
    made = Table(
        title=plain(title), title_justify="left", box=None, pad_edge=False, header_style="bold", title_style="bold"
    )
    for i, column in enumerate(columns):
        numeric = all(isinstance(row[i], (int, float)) or row[i] in ("", "-") or _sized(row[i]) for row in body)
        made.add_column(column, justify="right" if i and numeric and body else "left", overflow="fold")
    for row in body:
        made.add_row(*(plain(_number(cell)) for cell in row))
    return made


def _sized(cell: object) -> bool:
    return isinstance(cell, str) and cell[:1].isdigit()


def _number(cell: object) -> str:
    return f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else str(cell)


def budget_table(report: BudgetReport) -> Table:
    """Flash and RAM by part, against their limits."""
    rows: list[list[object]] = []
    for usage in (report.flash, report.ram):
        rows += [[usage.region, part, format_size(size), ""] for part, size in usage.parts.items()]
        rows.append([usage.region, "used of limit", format_size(usage.used_bytes), _limit(usage)])
    return table(f"Budget on {report.board} ({report.source})", ["memory", "part", "bytes", "limit"], rows)


def _limit(usage: Usage) -> str:
    share = 100 * usage.used_bytes / usage.limit_bytes
    state = "OVER" if usage.short_bytes else "fits"
    return f"{format_size(usage.limit_bytes)} ({share:.0f} %, {state})"


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
        return plain(value, 24).plain
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
    made = Table(box=None, show_header=False, pad_edge=False)
    for row in rows:
        made.add_row(*(plain(cell) for cell in row))
    return made
