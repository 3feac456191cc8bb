"""Measures every compression technique and combination on real data; writes docs/compression.json and .md.

Usage: python bench/compression.py [--seeds 0,1,2,3,4] [--datasets digits,motions] [--recipes A,B] [--jobs 1]
           [--try] [--render] [--fresh] [--samples N] [--cache DIR]

A row that was measured is kept in the cache (build/compression) and not measured again: a run that was stopped goes on.
--try measures validation data alone, on splits that show no sample of the reported seeds' test sets: for choosing the
settings in compression_recipes.toml. --render writes the document from the JSON and measures nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from compression_report import DOCUMENT, TABLE, rendered, summary  # noqa: E402
from compression_worker import row_key  # noqa: E402

from tinygen.toml import tomllib  # noqa: E402
from tinygen.worker import run_job  # noqa: E402

BOARD, OPTIMIZE = "nucleo_f446re", "size"
REPORTED = (0, 1, 2, 3, 4)


def read_recipes() -> dict[str, Any]:
    """{"dataset": by name, "recipe": list} of compression_recipes.toml."""
    return tomllib.loads((HERE / "compression_recipes.toml").read_text("utf-8"))


def recipe_for(recipe: dict[str, Any], dataset: str, table: dict[str, Any], names: set[str]) -> dict[str, Any]:
    """The recipe with the data set's own values."""

    def own(value: Any) -> Any:
        return value[dataset] if isinstance(value, dict) and set(value) <= names else value

    steps = [{key: own(value) for key, value in {**table["train"], **step}.items()} for step in recipe["steps"]]
    return {"name": recipe["name"], "precision": recipe.get("precision", "int8"), "steps": steps}


def folder_of(dataset: str, seed: int, options: argparse.Namespace) -> Path:
    """Where a data set's and a seed's models and rows are kept."""
    return Path(options.cache) / f"{dataset}-{seed}{'-try' if options.trial else ''}"


def request_of(dataset: str, seed: int, wanted: list[str], options: argparse.Namespace) -> dict[str, Any]:
    """What a worker is asked for."""
    book = read_recipes()
    table, names = book["dataset"][dataset], set(book["dataset"])
    return {
        "dataset": dataset,
        "seed": seed,
        "table": table,
        "folder": str(folder_of(dataset, seed, options)),
        "board": BOARD,
        "optimize": OPTIMIZE,
        "samples": options.samples,
        "hidden": list(REPORTED) if options.trial else [],
        "recipes": [
            recipe_for(r, dataset, table, names)
            for r in book["recipe"]
            if r["name"] in wanted and dataset in r.get("datasets", names)
        ],
    }


def work_on(dataset: str, seed: int, wanted: list[str], options: argparse.Namespace) -> None:
    """One worker process for one data set and one seed."""
    folder = folder_of(dataset, seed, options)
    if options.fresh:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)

    def say(text: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {dataset} {seed} {text}", flush=True)

    request = request_of(dataset, seed, wanted, options)
    run_job("compression_worker:rows_job", request, timeout_seconds=4 * 3600.0, progress=say)


def collected(options: argparse.Namespace) -> list[dict[str, Any]]:
    """The rows in the cache, of the recipes as they are now, in the order of data set, recipe and seed."""
    rows, names = [], [r["name"] for r in read_recipes()["recipe"]]
    for dataset in read_recipes()["dataset"]:
        found = []
        for seed in REPORTED if not options.trial else range(100, 200):
            request = request_of(dataset, seed, names, options)
            for recipe in request["recipes"]:
                path = folder_of(dataset, seed, options) / "rows" / f"{recipe['name']}.json"
                # The key's first half is of the settings, its second of the model.
                kept = json.loads(path.read_text("utf-8")) if path.is_file() else {"key": ""}
                if kept["key"].startswith(row_key(os.devnull, recipe, request)[:64]):
                    found.append(kept["row"])
        rows += sorted(found, key=lambda row: (names.index(row["recipe"]), row["seed"]))
    return rows


def write(options: argparse.Namespace) -> None:
    """The JSON from the cache, and the document from the JSON; of trials a table on standard output."""
    rows = collected(options)
    if options.trial:
        return print_trials(rows)
    rows = with_rows_before(rows, json.loads(TABLE.read_text("utf-8"))["rows"] if TABLE.is_file() else [])
    told = {"schema": "tinygen.compression/1", "board": BOARD, "optimize": OPTIMIZE, "rows": rows}
    TABLE.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    DOCUMENT.write_text(rendered(told, read_recipes()), encoding="utf-8")


def with_rows_before(rows: list[dict[str, Any]], before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of the cache, and those of the JSON that it no longer holds, in the order of the recipes' file."""
    book = read_recipes()
    datasets, recipes = list(book["dataset"]), [r["name"] for r in book["recipe"]]
    known = {(r["dataset"], r["recipe"], r["seed"]) for r in rows}
    both = rows + [r for r in before if r["recipe"] in recipes and (r["dataset"], r["recipe"], r["seed"]) not in known]
    return sorted(both, key=lambda r: (datasets.index(r["dataset"]), recipes.index(r["recipe"]), r["seed"]))


def print_trials(rows: list[dict[str, Any]]) -> None:
    for (dataset, recipe), found in summary(rows).items():
        figures = ["validation_float", "validation_int8", "weights_bytes", "macs"]
        cells = [f"{found[f].mean:.4f}±{found[f].spread:.4f}" for f in figures[:2]]
        cells += [f"{found[f].mean:.0f}" for f in figures[2:]]
        print(f"{dataset:8} {recipe:26} n={found['seed'].count}", *cells)


def listed_names(text: str) -> list[str]:
    """A,B,C."""
    return text.split(",")


def main() -> None:
    book = read_recipes()
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=lambda text: [int(s) for s in text.split(",")], default=list(REPORTED))
    parser.add_argument("--datasets", type=listed_names, default=list(book["dataset"]))
    parser.add_argument("--recipes", type=listed_names, default=[r["name"] for r in book["recipe"]])
    parser.add_argument("--jobs", type=int, default=1, help="worker processes at a time")
    parser.add_argument("--samples", type=int, default=0, help="test samples simulated; 0: all")
    parser.add_argument("--cache", type=Path, default=HERE.parent / "build" / "compression")
    parser.add_argument("--try", dest="trial", action="store_true", help="validation data alone")
    parser.add_argument("--render", action="store_true", help="the document from the JSON, nothing measured")
    parser.add_argument("--fresh", action="store_true", help="forget the cache of these data sets and seeds")
    options = parser.parse_args()
    unknown = set(options.recipes) - {r["name"] for r in book["recipe"]} | set(options.datasets) - set(book["dataset"])
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    if options.render:
        DOCUMENT.write_text(rendered(json.loads(TABLE.read_text("utf-8")), book), encoding="utf-8")
        return
    os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
    with ThreadPoolExecutor(options.jobs) as pool:
        tasks = [
            pool.submit(work_on, dataset, seed, options.recipes, options)
            for dataset in options.datasets
            for seed in options.seeds
        ]
        for task in tasks:
            task.result()
            write(options)


if __name__ == "__main__":
    main()
