"""Runs other programs: always with a time limit, their output kept, their absence told by name."""

from __future__ import annotations

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
        )
    except OSError as error:
        raise MissingTool(
            f"{command[0]}: cannot be started: {error.strerror}.", "`tinygen doctor` lists the tools."
        ) from None
    try:
        out, err = process.communicate(stdin, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        return Finished(None, out, err)
    except BaseException:
        process.kill()
        process.wait()
        raise
    return Finished(process.returncode, out, err)
