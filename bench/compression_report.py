"""What bench/compression.py says of its rows: means, spreads, and the document."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent.parent / "docs"
TABLE, DOCUMENT = DOCS / "compression.json", DOCS / "compression.md"
Row = dict[str, Any]

INTRODUCTION = """# Compression, measured

Every technique of `tinygen compress` alone, and combinations of them, on two sets of real data.
`python bench/compression.py` measures and writes this page and docs/compression.json; bench/compression_recipes.toml
holds the recipes with every option.

- A seed has its own split (every class in the same shares), its own teacher and its own random numbers; all recipes of
  a seed begin with its teacher. Figures are means over the seeds ± the standard deviation of one seed (n - 1).
- `float` is the accuracy of the Keras model on the seed's test set, `int8` that of the firmware's own bits: **every**
  test sample runs through the linked firmware on the simulated Cortex-M4F ({board}, unicorn), and every output is
  equal, bit for bit, to TensorFlow Lite Micro's reference kernels; a difference would end the run without a row.
  `points` is int8 against the float teacher of the same seed, in percentage points.
- No setting was chosen on a test set. The teacher's early stopping and the greedy soup's members follow the seed's
  validation data. The recipes' settings were tried out on splits of other seeds (`--try`), whose validation data has
  no sample of a test set of this page.
- `weights` is what the firmware stores of constants (weights, biases, tables of multipliers and shifts, padding),
  compressed where that saves flash (`--optimize {optimize}`; see docs/packed.md), and its share of the teacher's;
  `flash` the whole linked image with start-up and test harness, `arena` the RAM of the activations. `non-zero` is the
  share of the kernels' float weights, `instructions` are those of one inference.
"""


@dataclass(frozen=True)
class Figure:
    """The mean over seeds and the standard deviation of a seed (n - 1; 0 for one seed)."""

    mean: float
    spread: float
    count: int

    def percent(self, sign: str = "") -> str:
        """Of a share, in percent, or in points with a sign."""
        return f"{hundredfold(self.mean, sign)} ± {100 * self.spread:.2f}"

    @property
    def stands_out(self) -> bool:
        """Whether it is further from zero than two standard errors."""
        return abs(self.mean) > 2 * self.spread / self.count**0.5


def hundredfold(value: float, sign: str = "") -> str:
    """In percent with two digits; what rounds to zero has no minus."""
    return f"{round(100 * value, 2) + 0.0:{sign}.2f}"


def figure(values: Iterable[float]) -> Figure:
    """Of at least one value."""
    found = list(values)
    return Figure(statistics.fmean(found), statistics.stdev(found) if len(found) > 1 else 0.0, len(found))


def summary(rows: list[Row]) -> dict[tuple[str, str], dict[str, Figure]]:
    """(data set, recipe) to figures by key, of the keys that are numbers in all rows."""
    groups: dict[tuple[str, str], list[Row]] = {}
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


def differences(rows: list[Row], dataset: str, recipe: str, key: str, other: str, other_key: str) -> Figure | None:
    """`key` of `recipe` less `other_key` of `other`, seed by seed; None where no seed has both."""
    found = {(row["recipe"], row["seed"]): row for row in rows if row["dataset"] == dataset}
    seeds = sorted(seed for name, seed in found if name == recipe and (other, seed) in found)
    values = [found[recipe, seed][key] - found[other, seed][other_key] for seed in seeds]
    return figure(values) if values else None


def rendered(told: dict[str, Any], book: dict[str, Any]) -> str:
    """The document, of the JSON's rows and the recipes' book alone."""
    rows = told["rows"]
    parts = [INTRODUCTION.format(board=told["board"], optimize=told["optimize"])]
    parts.append("## What was to be reached\n\n" + _table(*_goals(rows, book)))
    for dataset, table in book["dataset"].items():
        if any(row["dataset"] == dataset for row in rows):
            parts.append(_dataset(rows, dataset, table, book))
    parts.append("## A teacher, and none\n\n" + _pairs(rows, book))
    parts.append("## Soups\n\n" + _soups(rows))
    parts.append("## What falls short\n\n" + _short(rows, book))
    return "\n".join(parts)


def _table(head: list[str], lines: list[list[str]]) -> str:
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, ["---"] * len(head), *lines))


def reached(rows: list[Row], goal: dict[str, Any]) -> dict[str, Any] | None:
    """The goal's figures: points lost (mean), bytes or the share cut, and whether both hold; None without rows."""
    means = summary(rows)
    own, teacher = (means.get((goal["dataset"], name)) for name in (goal["recipe"], "teacher"))
    points = differences(rows, goal["dataset"], goal["recipe"], "accuracy_int8", "teacher", "accuracy_float")
    if own is None or teacher is None or points is None:
        return None
    lost = -100 * points.mean
    if "most_weights_bytes" in goal:
        size = own["weights_bytes"].mean
        return {"lost": lost, "size": size, "holds": lost <= goal["points"] and size <= goal["most_weights_bytes"]}
    cut = 1 - own[goal["of"]].mean / teacher[goal["of"]].mean
    return {"lost": lost, "cut": cut, "holds": lost <= goal["points"] and cut >= goal["least_cut"]}


_CUTS = {"macs": "MACs", "weights_bytes": "weights in flash"}


def _wanted(goal: dict[str, Any]) -> str:
    what = f"at most {goal['points']:g} point{'s' if goal['points'] != 1 else ''} lost, "
    if "most_weights_bytes" in goal:
        return what + f"at most {goal['most_weights_bytes'] / 1024:g} KiB of weights"
    return what + f"at least {100 * goal['least_cut']:g} % less {_CUTS[goal['of']]}"


def _goals(rows: list[Row], book: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    lines = []
    for goal in book["goal"]:
        if (found := reached(rows, goal)) is not None:
            size = f"{found['size']:,.0f} B" if "size" in found else f"{100 * found['cut']:.1f} % less"
            answer = "yes" if found["holds"] else "**no**"
            lines.append(
                [goal["dataset"], goal["recipe"], _wanted(goal), hundredfold(found["lost"] / 100), size, answer]
            )
    return ["data", "recipe", "to reach, in the mean", "points lost", "size", "reached"], lines


def _dataset(rows: list[Row], dataset: str, table: dict[str, Any], book: dict[str, Any]) -> str:
    seeds = sorted({row["seed"] for row in rows if row["dataset"] == dataset})
    one = next(row for row in rows if row["dataset"] == dataset)
    shares = "/".join(f"{100 * share:.0f}" for share in table["shares"])
    text = f"## {dataset}\n\n{table['title']}, split {shares} % into training, validation and test;"
    text += f" a test set has {one['test_samples']} samples, one of them is {100 / one['test_samples']:.2f} points."
    text += f" Seeds {', '.join(map(str, seeds))}.\n"
    for group, title in (("alone", "Each technique alone"), ("combined", "Combined")):
        names = {r["name"]: r for r in book["recipe"] if r["group"] in ("start", group)}
        text += f"\n### {title}\n\n" + _table(*_lines(rows, dataset, names, len(seeds)))
    return text


def _lines(
    rows: list[Row], dataset: str, recipes: dict[str, dict[str, Any]], seeds: int
) -> tuple[list[str], list[list[str]]]:
    means, lines = summary(rows), []
    teacher = means.get((dataset, "teacher"))
    for name, recipe in recipes.items():
        own = means.get((dataset, name))
        points = differences(rows, dataset, name, "accuracy_int8", "teacher", "accuracy_float")
        if own is None or points is None or teacher is None:
            continue
        missing = "" if own["seed"].count == seeds else f" ({own['seed'].count} of {seeds} seeds)"
        share = own["weights_bytes"].mean / teacher["weights_bytes"].mean
        whole = [f"{own[k].mean:,.0f}" for k in ("macs", "weights_bytes", "arena_bytes", "flash_bytes", "instructions")]
        whole[1] += f" ({100 * share:.0f} %)"
        accuracies = [own[k].percent() for k in ("accuracy_float", "accuracy_int8")]
        sizes = [f"{own['parameters'].mean:,.0f}", f"{own['nonzero_share'].mean:.2f}"]
        lines.append([f"`{name}`: {recipe['about']}{missing}", *accuracies, points.percent("+"), *sizes, *whole])
    head = "recipe|float, %|int8, %|points|parameters|non-zero|MACs|weights, B|arena, B|flash, B|instructions"
    return head.split("|"), lines


def _pairs(rows: list[Row], book: dict[str, Any]) -> str:
    """The taught student less the same student alone, seed by seed."""
    lines = []
    for dataset in book["dataset"]:
        for pair in book["pair"]:
            gains = [
                differences(rows, dataset, pair["taught"], key, pair["alone"], key)
                for key in ("accuracy_float", "accuracy_int8")
            ]
            if gains[0] and gains[1]:
                names, far = f"`{pair['taught']}` − `{pair['alone']}`", "yes" if gains[1].stands_out else "no"
                cells = [gain.percent("+") for gain in gains if gain]
                lines.append([dataset, names, *cells, _wins(rows, dataset, pair), far])
    head = ["data", "same student, same training", "float, points", "int8, points", "seeds better, equal, worse"]
    return _table([*head, "more than two standard errors"], lines)


def _wins(rows: list[Row], dataset: str, pair: dict[str, str]) -> str:
    found = {(row["recipe"], row["seed"]): row["accuracy_int8"] for row in rows if row["dataset"] == dataset}
    gains = [
        value - found[pair["alone"], seed]
        for (name, seed), value in found.items()
        if name == pair["taught"] and (pair["alone"], seed) in found
    ]
    return f"{sum(g > 0 for g in gains)}, {sum(g == 0 for g in gains)}, {sum(g < 0 for g in gains)}"


def _soups(rows: list[Row]) -> str:
    lines = []
    for dataset in dict.fromkeys(row["dataset"] for row in rows):
        for recipe in ("soup-uniform", "soup-greedy"):
            found = [r["soup"] for r in rows if (r["dataset"], r["recipe"]) == (dataset, recipe)]
            if found:
                gain = figure(soup["soup"] - soup["best_ingredient"] for soup in found)
                worse = sum(soup["soup"] < soup["best_ingredient"] for soup in found)
                taken = figure(len(soup["taken"]) for soup in found)
                cells = [gain.percent("+"), f"{worse} of {len(found)}", f"{taken.mean:.1f}"]
                lines.append([dataset, f"`{recipe}`", *cells])
    head = ["data", "recipe", "validation, soup − best ingredient, points", "seeds where it is worse", "members, mean"]
    return _table(head, lines)


def _short(rows: list[Row], book: dict[str, Any]) -> str:
    """Goals that are missed, recipes that lose more than a point, teachers that do not help, and the book's notes."""
    said = [f"- {note}" for note in book.get("notes", {}).get("short", [])]
    for goal in book["goal"]:
        found = reached(rows, goal)
        if found is None:
            said.append(f"- {goal['dataset']}, `{goal['recipe']}`: not measured.")
        elif not found["holds"]:
            size = f"{found['size']:,.0f} B" if "size" in found else f"{100 * found['cut']:.1f} % less"
            told = f"{_wanted(goal)} was wanted, {found['lost']:.2f} and {size} are reached."
            said.append(f"- {goal['dataset']}, `{goal['recipe']}`: {told}")
    for dataset in book["dataset"]:
        lost = []
        for recipe in book["recipe"]:
            points = differences(rows, dataset, recipe["name"], "accuracy_int8", "teacher", "accuracy_float")
            if points is not None and 100 * points.mean < -1:
                lost.append(f"`{recipe['name']}` {hundredfold(points.mean, '+')}")
        if lost:
            said.append(f"- {dataset}, more than one point below the teacher: {', '.join(lost)}.")
        for pair in book["pair"]:
            gain = differences(rows, dataset, pair["taught"], "accuracy_int8", pair["alone"], "accuracy_int8")
            if gain is not None and (gain.mean <= 0 or not gain.stands_out):
                said.append(
                    f"- {dataset}, `{pair['taught']}`: no help of the teacher that stands out of the seeds' spread,"
                    f" {gain.percent('+')} points of int8 against `{pair['alone']}`."
                )
    return "\n".join(said or ["Nothing."]) + "\n"
