"""The operators: one file each, found by folder. A file whose name starts with an underscore is shared arithmetic."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from .base import Operator


@cache
def operators() -> dict[str, Operator]:
    """Every operator by TensorFlow Lite's name."""
    found: dict[str, Operator] = {}
    for module in sorted(m.name for m in pkgutil.iter_modules(__path__)):
        if module.startswith("_") or module in ("base", "lowering"):
            continue
        operator: Operator = importlib.import_module(f"{__name__}.{module}").OPERATOR
        found[operator.kind] = operator
    return found
