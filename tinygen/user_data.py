"""Data from a Python function of the user's, "module:function", called in a process of its own.

The function takes nothing and returns arrays by name (x_train, y_train, …), a pair (x, y), or yields samples, (x, y) or
x alone. What it gives is held to the same checks as a file.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .dataset import KEYS, DataSet, load_data
from .errors import BadInput, suggest
from .user_entry import ENTRY, failed, imported
from .worker import Progress, run_job

_MOST_SECONDS = 3600.0
_FORMS = "It returns {'x_train': …, 'y_train': …}, a pair (x, y), or yields samples (x, y)."


def open_data(named: str | Path, folder: Path, progress: Progress | None = None) -> DataSet:
    """An .npz or .npy by its path, or a Python function by its name, whose module lies in `folder`."""
    if ENTRY.fullmatch(str(named)) and not Path(named).exists():
        return call_data(str(named), folder, progress)
    return load_data(named)


def call_data(entry: str, folder: Path, progress: Progress | None = None) -> DataSet:
    """Calls the function and reads what it gives. BadInput names it, the line where it failed, and why."""
    if progress is not None:
        progress(f"data: calling {entry}")
    with tempfile.TemporaryDirectory(prefix="tinygen-") as work:
        out = Path(work) / "data.npz"
        request = {"entry": entry, "folder": str(folder.resolve()), "out": str(out)}
        run_job("tinygen.user_data:user_data_job", request, timeout_seconds=_MOST_SECONDS, progress=progress)
        try:
            return replace(load_data(out), path=entry)
        except BadInput as error:
            raise BadInput(error.what.replace(str(out), entry), error.hint) from error


def user_data_job(request: dict[str, Any], _progress: Progress) -> dict[str, Any]:
    """Runs in the worker: imports the module, calls the function, writes its arrays."""
    entry, folder = request["entry"], request["folder"]
    try:
        arrays = _arrays(entry, imported(entry, folder, _FORMS)())
    except BadInput:
        raise
    except (Exception, SystemExit) as error:
        raise failed(entry, folder, error) from error
    np.savez(request["out"], **arrays)
    return {}


def _arrays(entry: str, given: Any) -> dict[str, Any]:
    if isinstance(given, Mapping):
        for name in given:
            if name not in KEYS:
                hint = suggest(str(name), KEYS) or f"The names are {', '.join(KEYS)}."
                raise BadInput(f"{entry}: gives an unknown array {str(name)[:80]!r}.", hint)
        return {str(name): np.asarray(array) for name, array in given.items()}
    if isinstance(given, tuple) and len(given) == 2:
        return {"x_train": np.asarray(given[0]), "y_train": np.asarray(given[1])}
    if isinstance(given, Iterator):
        samples = list(given)
        if samples and all(isinstance(sample, tuple) and len(sample) == 2 for sample in samples):
            pairs = zip(*samples)
            return dict(zip(("x_train", "y_train"), (np.stack([np.asarray(v) for v in part]) for part in pairs)))
        if samples and not any(isinstance(sample, tuple) for sample in samples):
            return {"x_train": np.stack([np.asarray(sample) for sample in samples])}
    if isinstance(given, np.ndarray):
        return {"x_train": given}
    raise BadInput(f"{entry}: gives {type(given).__name__} that tinygen does not take as data.", _FORMS)
