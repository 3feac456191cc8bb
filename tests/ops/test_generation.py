"""The same cases in every run: what is drawn does not depend on which modules a run has loaded."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from cases import generate
from strategies import by_kind


def test_modules_loaded_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    strategies = [by_kind()[kind][0] for kind in ("CONV_2D", "FULLY_CONNECTED", "SLICE")]
    before = [str(case) for strategy in strategies for case in generate(strategy, 40)]
    (tmp_path / "numbers_of_a_module.py").write_text(f"NUMBERS = {list(range(2, 400))}\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("numbers_of_a_module")
    assert [str(case) for strategy in strategies for case in generate(strategy, 40)] == before
