"""Finds the techniques in this folder: a module that defines `Settings` and `apply` is one, under its file's name.

`apply(model, data, options, context) -> (model, facts)` runs in the worker process and may import TensorFlow;
`Settings` is its options' pydantic model and is read without TensorFlow.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from ..errors import BadInput, suggest


@dataclass(frozen=True)
class Wish:
    """A student that is to be as large as some limits in bytes let it be; None: what the board has."""

    student: str
    depth: int | None
    kernel: int
    max_weights: int | None
    max_flash: int | None
    max_ram: int | None


#: Gives the largest multiplier of the student's channels, and a record of what was found.
Fitter = Callable[[Wish], tuple[float, dict[str, Any]]]


class Options(BaseModel):
    """What every technique's options share: unknown keys are errors; MODEL_FILES names those that are model files."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    MODEL_FILES: ClassVar[tuple[str, ...]] = ()
    #: Whether no step may follow: what the technique makes would be lost.
    LAST: ClassVar[bool] = False

    def model_files(self) -> dict[str, str | tuple[str, ...]]:
        """Option name to path or paths, for the options that are given and name model files."""
        return {key: getattr(self, key) for key in self.MODEL_FILES if getattr(self, key)}

    def renamed_files(self, change: Callable[[str], str]) -> dict[str, str | tuple[str, ...]]:
        """`model_files` with every path changed."""
        files = self.model_files()
        return {key: change(p) if isinstance(p, str) else tuple(map(change, p)) for key, p in files.items()}

    def sized(self, fit: Fitter) -> tuple[Options, dict[str, Any]]:
        """The options with what `fit` found for the limits that they name, and a record of it; else as they are."""
        return self, {}


class TrainOptions(Options):
    """Options of the techniques that train: `epochs`, `batch_size`, `learning_rate` (Adam)."""

    epochs: int = Field(10, gt=0)
    batch_size: int = Field(32, gt=0)
    learning_rate: float = Field(1e-3, gt=0, allow_inf_nan=False)


@dataclass(frozen=True)
class Technique:
    """One technique: its name, its options' model, what its file says it does, and its function."""

    name: str
    summary: str
    options: type[Options]
    apply: Callable[..., tuple[Any, dict[str, Any]]]


@cache
def techniques() -> dict[str, Technique]:
    """All techniques by name, sorted."""
    found = {}
    package = importlib.import_module(__package__ or "tinygen.compress")
    for module in sorted(m.name for m in pkgutil.iter_modules(package.__path__) if not m.name.startswith("_")):
        if module == "registry":
            continue
        code = importlib.import_module(f"{package.__name__}.{module}")
        if hasattr(code, "Settings") and hasattr(code, "apply"):
            summary = (code.__doc__ or "").strip().partition("\n")[0]
            found[module] = Technique(module, summary, code.Settings, code.apply)
    return found


def technique_names() -> list[str]:
    """The techniques' names, sorted."""
    return list(techniques())


def technique(name: str) -> Technique:
    """One technique; BadInput with a suggestion for an unknown name."""
    if name not in techniques():
        raise BadInput(
            f"Unknown technique {name!r}.", suggest(name, techniques()) or f"There are {', '.join(techniques())}."
        )
    return techniques()[name]
