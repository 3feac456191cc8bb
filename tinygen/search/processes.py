"""Runs the processes of a search: each in a worker that is started anew where a trial takes it down."""

from __future__ import annotations

import os
import platform
import threading
import uuid
from typing import Any

from ..worker import Progress, WorkerFault, run_job

#: A worker that dies so often without finishing a trial in between is not started again.
_MOST_DEATHS = 3
#: What a trial may take after the search's time: it is ended after its epoch.
_GRACE_SECONDS = 1800.0
_JOB = "tinygen.search.job:search_job"


def run_processes(study: Any, request: dict[str, Any], count: int, timeout: float | None, progress: Progress) -> None:
    """Runs `count` processes until the study has enough trials; what they raise is raised here.

    A trial whose process died or was stopped is marked as failed.
    """
    owners = [f"{platform.node()}:{os.getpid()}/{i}-{uuid.uuid4().hex[:8]}" for i in range(count)]
    limit = (timeout or 7 * 86400.0) + _GRACE_SECONDS
    try:
        if count == 1:
            _keep_running(study, {**request, "owner": owners[0]}, limit, progress)
        else:
            _run_together(study, request, owners, limit, progress)
    finally:
        for owner in owners:
            fail_left(study, owner)


def _run_together(study: Any, request: dict[str, Any], owners: list[str], limit: float, progress: Progress) -> None:
    """In threads that end with the program, so that Ctrl-C is not held up."""
    errors: list[Exception] = []

    def run(owner: str) -> None:
        try:
            _keep_running(study, {**request, "owner": owner}, limit, progress)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(owner,), daemon=True) for owner in owners]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(0.2)
    if errors:
        raise errors[0]


def _keep_running(study: Any, request: dict[str, Any], limit: float, progress: Progress) -> None:
    deaths, before = 0, -1
    while True:
        try:
            run_job(_JOB, request, timeout_seconds=limit, progress=progress, extra="search")
            return
        except WorkerFault as error:
            if not error.signal or error.signal == 9:  # 9: for want of memory, most often
                raise
            fail_left(study, request["owner"])
            done = sum(t.user_attrs.get("process") == request["owner"] for t in study.get_trials(deepcopy=False))
            deaths, before = (deaths + 1 if done <= before + 1 else 1), done
            if deaths >= _MOST_DEATHS:
                raise
            progress(f"a process ended by signal {error.signal}: its trial failed, the search goes on")


def fail_left(study: Any, owner: str) -> None:
    """Marks as failed what a process left running."""
    import optuna

    states = optuna.trial.TrialState
    for trial in study.get_trials(deepcopy=False, states=(states.RUNNING,)):
        if trial.user_attrs.get("process") == owner:
            study.tell(trial.number, state=states.FAIL, skip_if_finished=True)
