"""The Pareto plot: flash against the metric, RAM as the circle's size, in one SVG that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..backends.templating import render
from ..units import format_size, short_size
from .result import Row, better_first, front_of

_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 760, 460, 70, 50, 30, 60
_SMALL, _LARGE = 4.0, 14.0


def pareto_svg(title: str, rows: Sequence[Row], best: int | None) -> str:
    """All complete trials; those of the front joined by a line, the best ringed."""
    done = [row for row in rows if row.outcome == "complete" and row.plan]
    on_front = {row.number for row in front_of(rows)}
    flashes = [row.plan["flash_bytes"] for row in done if row.plan]
    rams = [row.plan["ram_bytes"] for row in done if row.plan]
    values = [better_first(row) for row in done]
    x, y = _scale(flashes, _LEFT, _WIDTH - _RIGHT), _scale(values, _HEIGHT - _BOTTOM, _TOP)
    size = _scale(rams, _SMALL, _LARGE)
    points = [
        {
            "x": x(row.plan["flash_bytes"]),
            "y": y(better_first(row)),
            "r": size(row.plan["ram_bytes"]),
            "front": row.number in on_front,
            "best": row.number == best,
            "text": _told(row),
        }
        for row in sorted(done, key=lambda row: -(row.plan or {})["ram_bytes"])
        if row.plan
    ]
    line = [(x(row.plan["flash_bytes"]), y(better_first(row))) for row in front_of(rows) if row.plan]
    return render(
        "search/pareto.svg.j2",
        title=title,
        width=_WIDTH,
        height=_HEIGHT,
        left=_LEFT,
        right=_WIDTH - _RIGHT,
        top=_TOP,
        bottom=_HEIGHT - _BOTTOM,
        metric=next((row.metric for row in done if row.metric), "metric"),
        x_ticks=[(x(v), short_size(round(v))) for v in _ticks(flashes)],
        y_ticks=[(y(v), f"{abs(v):.4g}") for v in _ticks(values)],
        line=" ".join(f"{a},{b}" for a, b in line),
        points=points,
    )


def _told(row: Row) -> str:
    plan, params = row.plan or {}, row.params
    shape = ", ".join(f"{key} {value}" for key, value in params.items())
    sizes = f"flash {format_size(plan['flash_bytes'])}, RAM {format_size(plan['ram_bytes'])}"
    return f"trial {row.number}: {row.metric} {row.value_int8:.4f}, {sizes}; {shape}"


def _scale(values: Sequence[float], low: float, high: float) -> Any:
    """From the values' span to [low, high], with one decimal; the middle where there is no span."""
    least, most = min(values, default=0.0), max(values, default=0.0)

    def place(value: float) -> float:
        share = (value - least) / (most - least) if most > least else 0.5
        return round(low + share * (high - low), 1)

    return place


def _ticks(values: Sequence[float]) -> list[float]:
    least, most = min(values, default=0.0), max(values, default=0.0)
    return [least + (most - least) * i / 4 for i in range(5)] if most > least else [least]
