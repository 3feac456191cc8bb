"""The errors that a user sees: what is wrong, where, with numbers, and what to do about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

#: A line that is still read; names and lists from a hostile file may be of any length.
MAX_LINE = 1000


class TinygenError(Exception):
    """A fault of the user's input or environment, told in one line; `exit_code` is the process's."""

    exit_code = 2

    def __init__(self, what: str, hint: str = "") -> None:
        self.what = _one_line(what)
        self.hint = _one_line(hint)
        super().__init__(self.line)

    @property
    def line(self) -> str:
        """The whole message on one line; control characters of hostile names are escaped."""
        text = f"{self.what} Hint: {self.hint}" if self.hint else self.what
        return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_LINE else f"{line[: MAX_LINE - 1]}…"


class BadInput(TinygenError):
    """A model, file, option or name that cannot be used (exit 2)."""


class OverBudget(TinygenError):
    """The firmware does not fit the board or the limits given (exit 3)."""

    exit_code = 3


class OutputsDiffer(TinygenError):
    """The firmware's bits are not the reference's (exit 4)."""

    exit_code = 4


class MissingTool(TinygenError):
    """A compiler, a simulator or an extra is not installed (exit 5)."""

    exit_code = 5


def missing_extra(package: str, extra: str) -> MissingTool:
    """The error for an absent optional package, with the line that installs it."""
    return MissingTool(f"The Python package {package} is not installed.", f"pip install 'tinygen[{extra}]'")


def suggest(word: str, known: Iterable[str]) -> str:
    """ "did you mean …?" for a misspelt word, or the empty string."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else ""
