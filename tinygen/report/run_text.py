"""The tables of a run: the road of compression, a row a step, and what each board says."""

from __future__ import annotations

from typing import Any

from rich.console import RenderableType

from ..units import short_count, short_size
from .compress_text import heading, step_cells
from .text import plain, table


def run_parts(report: dict[str, Any]) -> list[RenderableType]:
    """What is printed of a "tinygen.run/1" object."""
    steps = report["steps"]
    metric = next((step["metric"] for step in steps if step["metric"]), "") or "metric"
    precision = report["precision"]
    columns = [
        "step",
        "params",
        "zeros",
        "MACs",
        heading(metric),
        precision,
        "weights",
        "ratio",
        "arena",
        "flash",
    ]
    title = f"{report['model']}: {precision}, step by step"
    parts: list[RenderableType] = [table(title, columns, [_row(s) for s in steps])]
    first = steps[0]
    if first["float_value"] is not None:
        parts.append(plain(f"Float model before {precision}: {first['metric']} {first['float_value']:.4f}."))
    if report["pruning"]:
        parts.append(plain(report["pruning"]))
    parts.append(
        table(
            "Boards",
            ["board", "samples", "flash", "RAM", "instr.", "on"],
            [_board(b) for b in report["boards"]],
        )
    )
    parts += [plain(note) for note in report["notes"]]
    return parts


def _row(step: dict[str, Any]) -> list[object]:
    """The float model's metric, then that of the int8 bits."""
    return step_cells({**step, "value": step["float_value"], "value_int8": step["value"]})


def _board(result: dict[str, Any]) -> list[object]:
    budget, simulation = result["budget"], result["simulation"]
    differ = simulation["mismatched_samples"]
    count = simulation["samples"]
    bits = f"{count} not compared" if differ is None else f"{differ} of {count} differ" if differ else f"{count} exact"
    instructions = simulation["instructions_per_inference"]
    return [
        result["board"],
        bits,
        _share(budget["flash"]),
        _share(budget["ram"]),
        "-" if instructions is None else short_count(instructions),
        simulation["simulator"],
    ]


def _share(usage: dict[str, Any]) -> str:
    used, limit = usage["used_bytes"], usage["limit_bytes"]
    return f"{short_size(used)} / {short_size(limit)}{'' if used <= limit else ' OVER'}"
