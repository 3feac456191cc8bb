"""The toy model as a fixture."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from toy_model import Render, render_toy


@pytest.fixture
def toy_project(tmp_path: Path) -> Render:
    """Renders the toy into the test's own folder."""
    return partial(render_toy, tmp_path)
