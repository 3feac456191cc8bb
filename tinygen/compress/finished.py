"""The steps of a recipe that are done: a model and a record each, in a folder beside the output, for the next start.

A step is known by a key, a SHA-256 over all that it follows from: tinygen's version and the techniques' code, the
packages that train, the model's bytes, the data, the seed, loss and metric, and every step up to it with its options.
A record is written after its model, both by a rename, and holds the model's SHA-256: what is damaged, half-written, or
of another recipe is not taken, and the step is done again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import __version__
from ..errors import BadInput
from ..objective import Objective

SCHEMA = "tinygen.step/1"
_PACKAGES = ("tensorflow", "tf-keras", "tensorflow-model-optimization", "numpy")
_OURS = re.compile(r"\.?\d+-\w+-[0-9a-f]{16}(\.part)?\.(h5|json)")


def keys_of(
    model: Path,
    arrays: Mapping[str, npt.NDArray[Any]],
    seed: int,
    steps: Sequence[Mapping[str, Any]],
    objective: Objective | None = None,
) -> list[str]:
    """A key a step, the untouched model's first; `steps` hold "technique", "options" and "files" by option.

    Of the objective's own functions the source counts, not the folder.
    """
    aim = objective or Objective()
    told = [aim.loss, aim.metric, aim.less_is_better, aim.sources()]
    digest = hashlib.sha256(json.dumps([SCHEMA, __version__, _code(), _versions(), seed, told]).encode())
    digest.update(hashlib.sha256(model.read_bytes()).digest())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(json.dumps([name, str(array.dtype), list(array.shape)]).encode())
        digest.update(hashlib.sha256(array.data).digest())
    keys = [digest.hexdigest()]
    for step in steps:
        files = {key: hashlib.sha256(Path(path).read_bytes()).hexdigest() for key, path in step["files"].items()}
        options = {key: value for key, value in step["options"].items() if key not in files}
        step_told = json.dumps([keys[-1], step["technique"], options, files], sort_keys=True)
        keys.append(hashlib.sha256(step_told.encode()).hexdigest())
    return keys


def stem_of(index: int, technique: str, key: str) -> str:
    """The name of a step's files, without their ending."""
    return f"{index}-{technique}-{key[:16]}"


def write_finished(folder: Path, key: str, row: Mapping[str, Any], save: Any) -> dict[str, Any]:
    """The row with its "path": `save(path)` writes the model beside, a rename puts it in place, its record follows."""
    stem = stem_of(row["index"], row["technique"], key)
    path, part = folder / f"{stem}.h5", folder / f".{stem}.part.h5"
    save(part)
    digest = hashlib.sha256(part.read_bytes()).hexdigest()
    os.replace(part, path)
    record, beside = folder / f"{stem}.json", folder / f".{stem}.part.json"
    told = {"schema": SCHEMA, "key": key, "model_sha256": digest, "record": dict(row)}
    beside.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    os.replace(beside, record)
    return {**row, "path": str(path)}


def read_finished(folder: Path, keys: Sequence[str], techniques: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of the leading steps that are done, whole and of these keys."""
    rows: list[dict[str, Any]] = []
    for index, (key, technique) in enumerate(zip(keys, techniques, strict=True)):
        path = folder / f"{stem_of(index, technique, key)}.h5"
        try:
            told = json.loads(path.with_suffix(".json").read_text("utf-8"))
            row = dict(told["record"])
            is_whole = told["model_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
            known = (told["schema"], told["key"], row["index"], row["technique"])
        except (OSError, ValueError, KeyError, TypeError):
            break
        if not is_whole or known != (SCHEMA, key, index, technique):
            break
        rows.append({**row, "path": str(path)})
    return rows


def prepare(folder: Path, *, fresh: bool) -> None:
    """Makes the folder and takes out what a kill left half-written; with `fresh`, every step that tinygen keeps there.

    BadInput where the folder cannot be made. Files of other names are left alone.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove(p for p in _ours(folder) if fresh or p.name.startswith("."))
    except OSError as error:
        raise BadInput(
            f"{folder}: the steps cannot be kept here: {error.strerror}.", "-o names another place."
        ) from None


def forget_others(folder: Path, keys: Sequence[str], techniques: Sequence[str]) -> None:
    """Takes out the steps of other recipes, seeds or data: the folder holds what the output was made of."""
    stems = {stem_of(index, *pair) for index, pair in enumerate(zip(techniques, keys, strict=True))}
    with contextlib.suppress(OSError):
        _remove(p for p in _ours(folder) if p.stem not in stems)


def _ours(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if _OURS.fullmatch(path.name) and path.is_file()]


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _code() -> str:
    """Of the techniques: a change to one makes its results others."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    for path in [here.parent / "objective.py", *sorted(here.glob("*.py"))]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _versions() -> list[str]:
    found = []
    for package in _PACKAGES:
        try:
            found.append(version(package))
        except PackageNotFoundError:
            found.append("")
    return found
