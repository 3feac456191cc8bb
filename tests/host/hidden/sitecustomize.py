"""For processes of the tests: modules named in $TINYGEN_TEST_HIDE are not there, as if never installed."""

from __future__ import annotations

import importlib.util
import os
import sys
from importlib.abc import MetaPathFinder
from typing import Any

_HIDDEN = frozenset(os.environ.get("TINYGEN_TEST_HIDE", "").split())
_find_spec = importlib.util.find_spec


class _Hide(MetaPathFinder):
    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name.partition(".")[0] in _HIDDEN:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def _hidden_spec(name: str, package: str | None = None) -> Any:
    return None if name.partition(".")[0] in _HIDDEN else _find_spec(name, package)


sys.meta_path.insert(0, _Hide())
importlib.util.find_spec = _hidden_spec
