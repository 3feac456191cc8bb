"""What `tinygen search` prints: the Pareto front in 80 columns, what became of the other trials, the best."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rich.console import RenderableType

from ..units import format_size, short_count, short_size
from .text import plain, table

#: Headings of columns that hold more figures than their name has letters.
_SHORT = {"accuracy": "acc."}


def search_parts(result: dict[str, Any]) -> list[RenderableType]:
    """What is printed of a "tinygen.search/1" object."""
    trials = {trial["number"]: trial for trial in result["trials"]}
    metric = next((t["metric"] for t in trials.values() if t["metric"]), None) or "metric"
    best = result["best"]
    columns = ["#", "backbone", "shape", "zeros", "bits", _SHORT.get(metric, metric), "flash", "RAM",
               "MACs", ""]  # fmt: skip
    shown = [*result["pareto"], *([best["trial"]] if best and best["trial"] not in result["pareto"] else [])]
    rows = [_cells(trials[number], best) for number in shown]
    parts: list[RenderableType] = []
    if rows:
        parts += [table("Pareto front (validation data, planned sizes)", columns, rows)]
    counts = Counter(trial["outcome"] for trial in trials.values())
    trained = sum(trial["trained"] for trial in trials.values())
    told = ", ".join(f"{n} {outcome}" for outcome, n in counts.most_common())
    count = f"{len(trials)} trial{'s' if len(trials) != 1 else ''}"
    parts.append(plain(f"{count} in {result['seconds']:.0f} s, {trained} trained: {told}."))
    if best:
        parts.append(plain(_best(best)))
    parts += [plain(note) for note in result["notes"]]
    if best:
        parts.append(plain(f"Repeat it: tinygen run {best['config']} (recipe, model and plot lie beside it)"))
    return parts


def _cells(trial: dict[str, Any], best: dict[str, Any] | None) -> list[object]:
    params = trial["params"]
    return [
        trial["number"],
        params["backbone"],
        f"{params['width']:g}×{params['depth']} k{params['kernel']}",
        f"{100 * params['sparsity']:.0f} %",
        params["precision"].removeprefix("int"),
        f"{trial['value_int8']:.4f}",
        short_size(trial["flash_bytes"]),
        short_size(trial["ram_bytes"]),
        short_count(trial["macs"]),
        "best" if best and trial["number"] == best["trial"] else "",
    ]


def _best(best: dict[str, Any]) -> str:
    test, sizes = best["test"], best["linked"]
    where = f"flash {format_size(sizes['flash_bytes'])}, RAM {format_size(sizes['ram_bytes'])} ({sizes['source']})"
    held = f"{test['metric']} {test['value']:.4f} on {test['samples']} test samples" if test else "no test data"
    return f"Best: trial {best['trial']}, score {best['score']:.4f}; {held}; {where}."
