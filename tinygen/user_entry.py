"""A Python function of the user's by its name, "module:function": found, called to account, and known by its source.

It is imported in a worker process alone; the source is read, never run, by `sources`.
"""

from __future__ import annotations

import hashlib
import importlib
import re
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .errors import BadInput

#: A module of the configuration's folder (or an installed one), and a function in it.
ENTRY = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)


def imported(entry: str, folder: str, forms: str) -> Callable[..., Any]:
    """The function; `forms` says in the hint what it would give. Whatever its module raises passes through."""
    module, _, name = entry.partition(":")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    function = getattr(importlib.import_module(module), name, None)
    if not callable(function):
        raise BadInput(f"{entry}: the module {module} has no function {name!r}.", forms)
    return function  # type: ignore[no-any-return]


def failed(entry: str, folder: str, error: BaseException) -> BadInput:
    """The place is the innermost line of a file in the user's folder."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(folder)]
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    lines = str(error).strip().splitlines() or ["no message"]
    first = lines[-1 if lines[0].startswith("in user code") else 0].strip()[
        :300
    ]  # TensorFlow's graphs tell the place first
    return BadInput(f"{entry}: {type(error).__name__}{place}: {first}", f"Run it by itself in {folder}.")


def sources(entry: str, folder: Path) -> dict[str, str]:
    """SHA-256 by name of the module's file and of what it imports from `folder`; empty for an installed module."""
    from modulefinder import ModuleFinder

    parts = entry.partition(":")[0].split(".")
    below = folder.joinpath(*parts)
    files = [path for path in (below.with_suffix(".py"), below / "__init__.py") if path.is_file()][:1]
    finder = ModuleFinder(path=[str(folder)])
    try:
        for file in list(files):
            finder.run_script(str(file))
            files += [Path(m.__file__) for m in finder.modules.values() if m.__file__]  # type: ignore[attr-defined]
    except (OSError, SyntaxError, ValueError):  # the call will say so
        pass
    unique = sorted({file.resolve() for file in files})
    return {str(path.relative_to(folder.resolve())): _sha256(path) for path in unique if _is_in(path, folder)}


def _is_in(path: Path, folder: Path) -> bool:
    return folder.resolve() in path.parents


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
