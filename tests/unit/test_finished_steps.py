"""The steps of a recipe that are kept: taken where they are whole and of the same key, done again otherwise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinygen.compress.finished import forget_others, keys_of, prepare, read_finished, write_finished
from tinygen.errors import BadInput

NAMES = ["original", "prune", "finetune"]
STEPS: list[dict[str, Any]] = [
    {"technique": "prune", "options": {"sparsity": 0.5}, "files": {}},
    {"technique": "finetune", "options": {"epochs": 2}, "files": {}},
]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "m.h5").write_bytes(b"weights")
    return tmp_path / "m.h5"


def keys(model: Path, steps: list[dict[str, Any]] = STEPS, seed: int = 0, x: float = 1.0) -> list[str]:
    return keys_of(model, {"x_train": np.full((2, 3), x), "y_train": np.arange(2)}, seed, steps)


def fill(folder: Path, found: list[str]) -> list[dict[str, Any]]:
    prepare(folder, fresh=False)
    return [
        write_finished(folder, key, {"index": i, "technique": name, "value": 0.5}, lambda p, n=name: p.write_text(n))
        for i, (key, name) in enumerate(zip(found, NAMES, strict=True))
    ]


def test_a_key_holds_all_that_a_step_follows_from(model: Path, tmp_path: Path) -> None:
    found = keys(model)
    assert len(set(found)) == 3 and found == keys(model)
    assert not set(found) & {*keys(model, seed=1), *keys(model, x=2.0)}
    later = keys(model, [STEPS[0], {**STEPS[1], "options": {"epochs": 3}}])
    assert later[:2] == found[:2] and later[2] != found[2]
    earlier = keys(model, [{**STEPS[0], "options": {"sparsity": 0.6}}, STEPS[1]])
    assert earlier[0] == found[0] and not set(earlier[1:]) & set(found)
    student = tmp_path / "student.h5"
    steps = [{"technique": "distill", "options": {"student": "anywhere.h5"}, "files": {"student": str(student)}}]
    student.write_bytes(b"a")
    first = keys(model, steps)
    student.write_bytes(b"b")
    assert keys(model, steps)[1] != first[1]
    model.write_bytes(b"others")
    assert not set(keys(model)) & set(found)


def test_whole_steps_are_taken(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "o.steps"
    rows = fill(folder, keys(model))
    assert read_finished(folder, keys(model), NAMES) == rows
    assert Path(rows[1]["path"]).read_text() == "prune"
    assert read_finished(folder, keys(model, seed=1), NAMES) == []
    moved = folder.rename(tmp_path / "moved")
    assert [row["path"] for row in read_finished(moved, keys(model), NAMES)] == [
        str(moved / Path(row["path"]).name) for row in rows
    ]


@pytest.mark.parametrize("ending", [".h5", ".json"])
@pytest.mark.parametrize("content", [None, b"", b"{}", b"[1]", b'{"schema": 1, "record": 2}', b"\xff\x00"])
def test_what_is_damaged_or_gone_is_not_taken(model: Path, tmp_path: Path, ending: str, content: bytes | None) -> None:
    rows = fill(tmp_path / "s", keys(model))
    file = Path(rows[1]["path"]).with_suffix(ending)
    file.unlink() if content is None else file.write_bytes(content)
    assert read_finished(tmp_path / "s", keys(model), NAMES) == rows[:1]


def test_a_record_of_another_step_under_this_name_is_not_taken(model: Path, tmp_path: Path) -> None:
    rows = fill(tmp_path / "s", keys(model))
    record = Path(rows[1]["path"]).with_suffix(".json")
    told = json.loads(record.read_text())
    record.write_text(json.dumps({**told, "key": told["key"][:16] + "0" * 48}))
    assert read_finished(tmp_path / "s", keys(model), NAMES) == rows[:1]


def test_what_is_taken_out(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "s"
    fill(folder, keys(model))
    fill(folder, keys(model, seed=1))
    mine = [folder / "mine.h5", folder / "1-prune.json", folder / "3-x-0123456789abcdef.h5.orig"]
    half = folder / f".2-finetune-{'0' * 16}.part.h5"
    for path in (*mine, half):
        path.write_text("x")
    prepare(folder, fresh=False)
    assert not half.exists() and len(list(folder.iterdir())) == 12 + len(mine)
    forget_others(folder, keys(model), NAMES)
    assert len(list(folder.iterdir())) == 6 + len(mine)
    assert len(read_finished(folder, keys(model), NAMES)) == 3
    prepare(folder, fresh=True)
    assert sorted(folder.iterdir()) == sorted(mine)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("a file")
    with pytest.raises(BadInput, match="cannot be kept here"):
        prepare(tmp_path / "s", fresh=False)
