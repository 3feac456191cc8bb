"""Where generated cases of every operator are found: a line above a strategy registers it, wherever it stands."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from cases import Case
from hypothesis.strategies import SearchStrategy

Composite = TypeVar("Composite", bound=Callable[..., SearchStrategy[Case]])
_FOUND: dict[str, list[SearchStrategy[Case]]] = {}


def cases_of(*kinds: str, **given: Any) -> Callable[[Composite], Composite]:
    """Registers a composite of cases of the operators `kinds`; one with a parameter `kind` is told which.

    `given` are its other arguments. What is registered is run on every simulated core and damaged.
    """

    def register(composite: Composite) -> Composite:
        told = "kind" in inspect.signature(composite).parameters
        for kind in kinds:
            arguments = given | {"kind": kind} if told else given
            _FOUND.setdefault(kind, []).append(composite(**arguments))
        return composite

    return register


@cache
def by_kind() -> dict[str, tuple[SearchStrategy[Case], ...]]:
    """Every strategy of every test file here, by the operator's kind."""
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        importlib.import_module(path.stem)
    return {kind: tuple(found) for kind, found in sorted(_FOUND.items())}
