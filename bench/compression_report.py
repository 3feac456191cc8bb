"""What bench/compression.py says of its rows: means, spreads, and the document."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent.parent / "docs"
TABLE, DOCUMENT = DOCS / "compression.json", DOCS / "compression.md"


@dataclass(frozen=True)
class Figure:
    """The mean over seeds and the standard deviation of a seed (n - 1; 0 for one seed)."""

    mean: float
    spread: float
    count: int


def figure(values: Iterable[float]) -> Figure:
    """Of at least one value."""
    found = list(values)
    return Figure(statistics.fmean(found), statistics.stdev(found) if len(found) > 1 else 0.0, len(found))


def summary(rows: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Figure]]:
    """(data set, recipe) to figures by key, of the keys that are numbers in all rows."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["dataset"], row["recipe"]), []).append(row)
    return {
        group: {
            key: figure(row[key] for row in found)
            for key in found[0]
            if all(isinstance(row.get(key), (int, float)) for row in found)
        }
        for group, found in groups.items()
    }


def rendered(told: dict[str, Any], book: dict[str, Any]) -> str:
    return "# Compression, measured\n"
