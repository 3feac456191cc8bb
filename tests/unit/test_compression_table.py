"""docs/compression.md and .json: rows with the promised keys, the document made from them, means and spreads right."""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tinygen.compress.registry import technique, technique_names

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

from compression import read_recipes, recipe_for  # noqa: E402
from compression_report import DOCUMENT, TABLE, differences, figure, reached, rendered, summary  # noqa: E402

PROMISED = (
    *("dataset", "recipe", "seed", "accuracy_float", "accuracy_int8", "parameters", "nonzero_share", "macs"),
    *("weights_bytes", "arena_bytes", "flash_bytes"),
)
TOLD: dict[str, Any] = json.loads(TABLE.read_text("utf-8"))
BOOK = read_recipes()


def row(recipe: str, seed: int, int8: float, **figures: Any) -> dict[str, Any]:
    return {"dataset": "d", "recipe": recipe, "seed": seed, "accuracy_float": int8, "accuracy_int8": int8, **figures}


def test_a_row_has_what_is_promised_and_all_its_samples_were_simulated() -> None:
    assert TOLD["rows"]
    for found in TOLD["rows"]:
        assert all(found[key] is not None for key in PROMISED), (found["recipe"], found["seed"])
        assert 0 <= found["accuracy_int8"] <= 1 and 0 < found["nonzero_share"] <= 1
        assert found["weights_bytes"] <= found["dense_weights_bytes"]
        assert found["weights_bytes"] < found["flash_bytes"]
        assert found["simulated_samples"] == found["test_samples"]


def test_a_recipe_has_a_row_a_seed_and_no_more() -> None:
    counts = Counter((r["dataset"], r["recipe"], r["seed"]) for r in TOLD["rows"])
    assert set(counts.values()) == {1}
    assert {r["recipe"] for r in TOLD["rows"]} <= {r["name"] for r in BOOK["recipe"]}


def test_the_document_is_made_from_the_table() -> None:
    assert DOCUMENT.read_text("utf-8") == rendered(TOLD, BOOK)


def test_the_recipes_options_are_the_techniques() -> None:
    used = set()
    for dataset, table in BOOK["dataset"].items():
        for recipe in BOOK["recipe"]:
            for step in recipe_for(recipe, dataset, table, set(BOOK["dataset"]))["steps"]:
                options = {key: value for key, value in step.items() if key != "technique"}
                technique(step["technique"]).options.model_validate(options)
                used.add(step["technique"])
    assert used <= set(technique_names())
    names = {r["name"] for r in BOOK["recipe"]}
    assert {g["recipe"] for g in BOOK["goal"]} | {name for p in BOOK["pair"] for name in p.values()} <= names


def test_means_and_spreads() -> None:
    rows = [row("a", seed, value) for seed, value in enumerate((0.90, 0.94, 0.98))]
    found = summary(rows)["d", "a"]["accuracy_int8"]
    assert (found.mean, found.spread, found.count) == (pytest.approx(0.94), pytest.approx(0.04), 3)
    assert figure([1.0]).spread == 0.0
    assert found.percent() == "94.00 ± 4.00"


def test_a_difference_is_taken_seed_by_seed() -> None:
    rows = [row("a", 0, 0.9), row("a", 1, 0.8), row("b", 0, 0.88), row("b", 1, 0.79), row("b", 2, 0.1)]
    found = differences(rows, "d", "b", "accuracy_int8", "a", "accuracy_float")
    assert found is not None and found.count == 2
    assert math.isclose(found.mean, -0.015) and math.isclose(found.spread, 0.01 / math.sqrt(2))
    assert differences(rows, "d", "none", "accuracy_int8", "a", "accuracy_int8") is None


@pytest.mark.parametrize(("int8", "size", "holds"), [(0.96, 90, True), (0.94, 90, False), (0.96, 101, False)])
def test_a_goal_holds_where_both_of_its_limits_do(int8: float, size: int, holds: bool) -> None:
    rows = [row("teacher", 0, 0.965, weights_bytes=400), row("a", 0, int8, weights_bytes=size)]
    goal = {"dataset": "d", "recipe": "a", "points": 1.0}
    found = reached(rows, {**goal, "most_weights_bytes": 100})
    assert found is not None and found["holds"] == holds
    cut = reached(rows, {**goal, "of": "weights_bytes", "least_cut": 0.75})
    assert cut is not None and cut["holds"] == (int8 > 0.95 and size <= 100)
