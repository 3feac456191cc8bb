"""Runs the command line as a user does, in a process of its own, and reads what it said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HIDDEN = Path(__file__).resolve().parent / "hidden"


@dataclass(frozen=True)
class Said:
    """What one run said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which is JSON and nothing else."""
        return json.loads(self.out)

    def refused(self, code: int, *words: str, out: str | None = "") -> None:
        """One line on standard error with these words, `out` on standard output, no traceback."""
        assert self.code == code, (self.code, self.out, self.err)
        lines = self.err.strip().splitlines()
        assert len(lines) == 1 and lines[0].startswith("tinygen: "), self.err
        assert "Traceback" not in self.err and "fault of tinygen" not in self.err, self.err
        assert out is None or self.out == out, self.out
        for word in words:
            assert word in self.err, (word, self.err)


def tinygen(*args: str | Path, cwd: Path | None = None, hide: str = "", **environment: str) -> Said:
    """Runs `tinygen args…`; it and its children find no module named in `hide`; keywords are environment variables."""
    env = {**os.environ, "COLUMNS": "80", **environment}
    if hide:
        env |= {"PYTHONPATH": str(HIDDEN), "TINYGEN_TEST_HIDE": hide}
    done = subprocess.run(
        [sys.executable, "-m", "tinygen.cli", *map(str, args)],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)
