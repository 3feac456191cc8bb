"""The best candidate as files that repeat it: a recipe for `tinygen compress`, a tinygen.toml for `tinygen run`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..config import Config

Tables = Sequence[Mapping[str, Any]]


def recipe_text(tables: Tables, seed: int, title: str) -> str:
    """A recipe's TOML."""
    head = f"# {title}, found by tinygen search. tinygen compress MODEL --recipe this --seed {seed}\n"
    return head + "".join(_table("[[compress]]", table) for table in tables)


def config_text(config: Config, tables: Tables, precision: str, data: Path, folder: Path, title: str) -> str:
    """A whole tinygen.toml in `folder`: the searched one with the recipe, the precision, and the data's file."""
    told = config.model_dump(mode="json", by_alias=True, exclude_defaults=True)

    def near(path: str) -> str:
        return os.path.relpath(path, folder)

    model = {**told["model"], "path": near(str(config.model.path))}
    target = {**told["target"], "boards": [near(b) if b.endswith(".toml") else b for b in config.target.boards]}
    budget = dict(told.get("budget", {}))
    if config.budget.latency is not None:
        budget["latency"] = f"{config.budget.latency:.6f}us"
    train = {**told.get("train", {}), "seed": config.train.seed}
    mixed_alone = ("int16_layers", "min_snr")
    quantize = {k: v for k, v in told.get("quantize", {}).items() if k not in mixed_alone} | {"precision": precision}
    sections = {"model": model, "data": {"file": near(str(data))}, "input": told.get("input"), "train": train,
                "quantize": quantize, "target": target, "budget": budget, "app": told.get("app")}  # fmt: skip
    lines = [f"# {title}, found by tinygen search. tinygen run this\nschema = 1\n"]
    lines += [_table(f"[{name}]", section) for name, section in sections.items() if section]
    return "".join([*lines, *(_table("[[compress]]", table) for table in tables)])


def _table(head: str, table: Mapping[str, Any]) -> str:
    lines = [f"{key} = {_value(value)}" for key, value in table.items() if value is not None]
    return "\n" + "\n".join([head, *lines]) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{"".join(map(_character, value))}"'
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {_value(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(map(_value, value)) + "]"
    return repr(value)


def _character(c: str) -> str:
    """TOML's basic strings escape quotes, backslashes and control characters."""
    if c in '"\\':
        return f"\\{c}"
    return f"\\u{ord(c):04X}" if ord(c) < 32 or ord(c) == 127 else c
