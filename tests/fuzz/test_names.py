"""Names of all kinds in a model become text in every file of a project, and the project computes what it should."""

from __future__ import annotations

from pathlib import Path

import pytest
from hostile_models import path_of

from tinygen.compiled import open_model
from tinygen.pipeline import generate
from tinygen.proof import simulate_project

pytestmark = [pytest.mark.needs_cc, pytest.mark.needs_tflm]


@pytest.mark.parametrize(("board", "runtime"), [("nucleo_f446re", "aot"), ("esp32dev", "aot"), ("esp32dev", "tflm")])
def test_whole_projects(tmp_path: Path, board: str, runtime: str) -> None:
    before = {path.name for path in tmp_path.iterdir()}
    generate(open_model(path_of("names of all kinds")), board, tmp_path / "p", runtime=runtime)  # type: ignore[arg-type]
    assert {path.name for path in tmp_path.iterdir()} - before == {"p"}, "nothing outside of the folder"
    for path in (tmp_path / "p").rglob("*"):
        if path.is_file() and path.suffix != ".tflite":
            text = path.read_text("utf-8")
            assert all(c.isprintable() or c == "\n" for c in text), path
            assert "n" * 200 not in text or path.suffix == ".json", path
    report = simulate_project(tmp_path / "p", samples=3, on="native", sanitize=runtime == "aot")
    assert (report.mismatched_samples, report.first_mismatch) == (0, None)
