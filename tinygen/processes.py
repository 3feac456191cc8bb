"""Runs other programs: always with a time limit, their output kept, their absence told by name."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
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


def run_live(
    command: Sequence[str], *, timeout_s: float, env: Mapping[str, str] | None, on_line: Callable[[str], None]
) -> Finished:
    """The same, standard error among standard output; `on_line` gets each line as it comes, progress by "\\r" too."""
    try:
        process = subprocess.Popen(
            list(command), env=None if env is None else dict(env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise MissingTool(
            f"{command[0]}: cannot be started: {error.strerror}.", "`tinygen doctor` lists the tools."
        ) from None
    ended = threading.Event()

    def end() -> None:
        ended.set()
        _kill(process)

    alarm = threading.Timer(timeout_s, end)
    alarm.start()
    lines = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            on_line(line.rstrip("\n"))
        process.wait()
    except BaseException:
        _kill(process)
        process.wait()
        raise
    finally:
        alarm.cancel()
    return Finished(None if ended.is_set() else process.returncode, "".join(lines), "")


def _kill(process: subprocess.Popen[str]) -> None:
    """Ends the program and all that it started: it leads a session of its own."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
