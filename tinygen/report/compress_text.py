"""The table of `tinygen compress`: a row a step, the float model's figures beside those of its int8 firmware."""

from __future__ import annotations

from typing import Any

from rich.console import RenderableType

from ..units import short_count, short_size
from .text import plain, table

#: Headings of columns that hold more figures than their name has letters.
SHORT = {"accuracy": "acc."}


def heading(metric: str) -> str:
    """A metric's column; of the user's own the function's name."""
    return SHORT.get(metric, metric.rpartition(":")[2])


def compress_parts(result: dict[str, Any]) -> list[RenderableType]:
    """What is printed of a "tinygen.compress/1" object."""
    steps = result["steps"]
    metric = next((step["metric"] for step in steps if step["metric"]), "") or "metric"
    columns = [
        "step",
        "params",
        "zeros",
        "MACs",
        heading(metric),
        "int8",
        "weights",
        "ratio",
        "arena",
        "flash",
    ]
    parts: list[RenderableType] = [table("Compression", columns, [step_cells(step) for step in steps])]
    if any(step["flash_bytes"] is not None for step in steps):
        source = next(step["source"] for step in steps if step["source"])
        parts.append(plain(f"Costs of the int8 firmware on {result['board']}, {source}; ratio of weights in flash."))
    parts += [plain(note) for note in result["notes"]]
    reused = sum(step["reused"] for step in steps)
    if reused:
        parts.append(plain(f"{reused} of {len(steps)} rows were done by an earlier start (--fresh does all anew)."))
    parts.append(plain(f"{result['output']}; its steps are kept in {result['steps_folder']}"))
    return parts


def step_cells(step: dict[str, Any]) -> list[object]:
    """A row: `value` and `value_int8` are the metric in float and of the int8 bits; what is unknown is a dash."""

    def shown(key: str, text: Any) -> object:
        return "-" if step[key] is None else text(step[key])

    return [
        step["step"],
        step["parameters"],
        f"{100 * (1 - step['nonzero_share']):.1f} %",
        shown("macs", short_count),
        shown("value", "{:.4f}".format),
        shown("value_int8", "{:.4f}".format),
        shown("weights_bytes", short_size),
        shown("compression_ratio", "{:.1f}×".format),
        shown("arena_bytes", short_size),
        shown("flash_bytes", short_size),
    ]
