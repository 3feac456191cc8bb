"""Runs other programs: always with a time limit, their output kept, their absence told by name."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import MissingTool


@dataclass(frozen=True)
class Finished:
    """A program that ran: `code` is its exit code (negative: the signal), None where the time limit ended it."""

    code: int | None
    stdout: str
    stderr: str


def run(
    command: Sequence[str],
    *,
    timeout_s: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
) -> Finished:
    """Runs `command` to its end or to its time limit; MissingTool where the program does not exist."""
    try:
        process = subprocess.Popen(
            list(command),
            cwd=cwd,
            env=None if env is None else dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise MissingTool(
            f"{command[0]}: cannot be started: {error.strerror}.", "`tinygen doctor` lists the tools."
        ) from None
    try:
        out, err = process.communicate(stdin, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        _kill(process)
        out, err = process.communicate()
        return Finished(None, out, err)
    except BaseException:
        _kill(process)
        process.wait()
        raise
    return Finished(process.returncode, out, err)


def _kill(process: subprocess.Popen[str]) -> None:
    """Ends the program and all that it started: it leads a session of its own."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
