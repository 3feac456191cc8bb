"""The worker process: results, progress, errors of every kind, a time limit, a crash, and an end with its parent."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tinygen.errors import BadInput, MissingTool
from tinygen.worker import WorkerFault, run_job

JOBS = """
import os, sys, time
from tinygen.errors import BadInput

def double_job(request, progress):
    print("noise on standard output")
    print("noise on standard error", file=sys.stderr)
    os.system("echo noise of a child")
    progress("half way")
    return {"n": request["n"] * 2, "legacy": os.environ["TF_USE_LEGACY_KERAS"], "tf": "tensorflow" in sys.modules}

def bad_job(request, progress):
    raise BadInput("conv: too wide.", "Make it\\nnarrow.")

def fault_job(request, progress):
    return {}["missing"]

def absent_job(request, progress):
    import no_such_package_xyz.inner

def crash_job(request, progress):
    print("about to crash", file=sys.stderr, flush=True)
    os.abort()

def sleep_job(request, progress):
    with open(request["pid"], "w") as file:
        file.write(str(os.getpid()))
    time.sleep(60)
"""


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "jobs_for_the_worker.py").write_text(JOBS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "jobs_for_the_worker"


def test_result_and_progress(jobs: str, capfd: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []
    result = run_job(f"{jobs}:double_job", {"n": 21}, progress=said.append)
    assert result == {"n": 42, "legacy": "1", "tf": False} and said == ["half way"]
    assert capfd.readouterr() == ("", ""), "what the job prints does not reach the user"


def test_the_users_errors_come_back_as_they_were(jobs: str) -> None:
    with pytest.raises(BadInput) as caught:
        run_job(f"{jobs}:bad_job", {})
    assert caught.value.line == "conv: too wide. Hint: Make it narrow." and caught.value.exit_code == 2


def test_our_errors_keep_their_traceback_apart(jobs: str) -> None:
    with pytest.raises(WorkerFault) as caught:
        run_job(f"{jobs}:fault_job", {})
    assert caught.value.exit_code == 1 and "KeyError" in caught.value.line and "Traceback" not in caught.value.line
    assert "Traceback" in caught.value.detail and "fault_job" in caught.value.detail


def test_an_absent_package_names_the_extra(jobs: str) -> None:
    with pytest.raises(MissingTool) as caught:
        run_job(f"{jobs}:absent_job", {}, extra="demo")
    assert "no_such_package_xyz" in caught.value.line and "tinygen[demo]" in caught.value.line


def test_a_crash_is_an_error_here(jobs: str) -> None:
    with pytest.raises(WorkerFault, match="crash: the process ended with code") as caught:
        run_job(f"{jobs}:crash_job", {})
    assert "about to crash" in caught.value.detail


def test_the_time_limit(jobs: str, tmp_path: Path) -> None:
    with pytest.raises(WorkerFault, match="sleep: stopped after its time limit of 2 s"):
        run_job(f"{jobs}:sleep_job", {"pid": str(tmp_path / "pid")}, timeout_seconds=2)


@pytest.mark.skipif(sys.platform == "win32", reason="process ids are read from /proc or by kill")
def test_the_child_ends_with_its_parent(jobs: str, tmp_path: Path) -> None:
    code = f"from tinygen.worker import run_job; run_job('{jobs}:sleep_job', {{'pid': {str(tmp_path / 'pid')!r}}})"
    parent = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    until = time.monotonic() + 30
    while not ((tmp_path / "pid").is_file() and (tmp_path / "pid").read_text()) and time.monotonic() < until:
        time.sleep(0.05)
    child = int((tmp_path / "pid").read_text())
    parent.kill()
    parent.wait()
    while alive(child) and time.monotonic() < until:
        time.sleep(0.05)
    assert not alive(child)


def alive(pid: int) -> bool:
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return done.returncode == 0 and not done.stdout.strip().startswith("Z")
