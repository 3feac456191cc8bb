"""What is not run is counted for a user and fails where everything is required."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).resolve().parents[1] / "conftest.py"
LEVELS = ("unit", "ops", "golden", "host", "target", "fuzz")
PASSES = "def test_passes():\n    pass\n"
NEEDS_MODELS = "import pytest\n@pytest.mark.needs_models\ndef test_reads_a_model(model_path):\n    pass\n"
LINE = "2 tests were not run: real models not found ($TINYGEN_MODELS or ../shared/models)"


def run_tests(folder: Path, *arguments: str, require_all: bool) -> tuple[int, list[str]]:
    """The exit code and the lines of a run of pytest in `folder`, with this project's conftest.py."""
    (folder / "tests").mkdir(exist_ok=True)
    shutil.copy(CONFTEST, folder / "tests")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n  needs_models: x\n")
    environment = {**os.environ, "TINYGEN_MODELS": str(folder), "TINYGEN_REQUIRE_ALL": str(int(require_all))}
    environment.pop("PYTEST_ADDOPTS", None)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout.splitlines()


def write(folder: Path, level: str, text: str) -> None:
    path = folder / "tests" / level / f"test_{level}.py"
    path.parent.mkdir(parents=True)
    path.write_text(text)


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one process", "two workers"])
def test_a_missing_need_is_counted_and_fails_only_where_required(tmp_path: Path, workers: tuple[str, ...]) -> None:
    for level in LEVELS:
        write(tmp_path, level, PASSES + (NEEDS_MODELS if level in ("host", "target") else ""))
    code, lines = run_tests(tmp_path, *workers, "tests", require_all=False)
    assert code == 0 and LINE in lines
    assert "6 passed, 2 skipped" in lines[-1], "pytest's own summary is the last line"
    code, lines = run_tests(tmp_path, *workers, "tests", require_all=True)
    assert code == 1 and LINE in lines
    assert "FAILED: TINYGEN_REQUIRE_ALL=1, and 2 tests were not run" in lines


def test_a_level_without_a_test_fails_only_where_required(tmp_path: Path) -> None:
    for level in LEVELS[:-1]:
        write(tmp_path, level, PASSES)
    assert run_tests(tmp_path, "tests", require_all=False)[0] == 0
    code, lines = run_tests(tmp_path, "tests", require_all=True)
    assert code == 1 and "FAILED: TINYGEN_REQUIRE_ALL=1, and no test of tests/fuzz has passed" in lines
    assert run_tests(tmp_path, "tests/unit", require_all=True)[0] == 0, "a part may be asked for"


def test_a_run_where_nothing_is_missing_passes(tmp_path: Path) -> None:
    for level in LEVELS:
        write(tmp_path, level, PASSES)
    code, lines = run_tests(tmp_path, "tests", require_all=True)
    assert code == 0 and not [line for line in lines if "not run" in line]


def test_a_skipped_module_is_counted(tmp_path: Path) -> None:
    for level in LEVELS:
        write(tmp_path, level, PASSES)
    (tmp_path / "tests" / "unit" / "test_whole.py").write_text("import pytest\npytest.importorskip('no_such_module')\n")
    code, lines = run_tests(tmp_path, "tests", require_all=True)
    assert code == 1 and any("no_such_module" in line for line in lines)
