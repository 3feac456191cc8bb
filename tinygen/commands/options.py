"""Options that many commands share, and where their output goes."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console, RenderableType
from rich.markup import escape

from ..errors import BadInput
from ..units import parse_size

OPTIMIZE_HELP = "speed, balanced or size: of the code, and which layers store their weights compressed."
JsonOption = Annotated[
    str, typer.Option("--json", metavar="FILE", help="Write the result as JSON; - is standard output.")
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show tracebacks.", is_eager=True)]
BoardOption = Annotated[
    str, typer.Option("--board", "-b", metavar="B", help="A board's name, or the path of a profile.")
]
FreshOption = Annotated[
    bool, typer.Option("--fresh", help="Do all steps anew; else those that an earlier start finished are kept.")
]
OutOption = Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="The folder to render into.")]


def size_option(text: str | None, name: str) -> int | None:
    """Bytes of a size option; BadInput names the option."""
    if text is None:
        return None
    try:
        return parse_size(text)
    except ValueError as error:
        raise BadInput(f"{name}: {error}.") from error


def require_writable(option: str, target: Path) -> None:
    """BadInput where no file of that name could be written."""
    if target.is_dir() or not target.parent.is_dir():
        raise BadInput(f"{option} {target}: cannot be written.", "Name a file in a folder that exists.")


def write_text(target: Path, text: str) -> None:
    """Writes a file by one rename."""
    from ..writing import write_whole

    try:
        write_whole(target, text.encode())
    except OSError as error:
        raise BadInput(f"{target}: cannot be written: {error.strerror}.") from error


def _console(stderr: bool = False) -> Console:
    """Bold and colour only where a terminal shows them and NO_COLOR does not forbid them."""
    return Console(stderr=stderr, highlight=False, color_system=None if os.environ.get("NO_COLOR") else "auto")


@dataclass(frozen=True)
class Output:
    """Where a command prints: tables to standard output unless JSON goes there, progress to standard error."""

    json_target: str = ""
    quiet: bool = False

    def __post_init__(self) -> None:
        """BadInput before any work where the JSON could not be written."""
        if self.json_target not in ("", "-"):
            require_writable("--json", Path(self.json_target))

    @property
    def silent(self) -> bool:
        """Whether nothing is printed but JSON and errors."""
        return self.quiet or self.json_target == "-"

    def show(self, *parts: RenderableType) -> None:
        """Prints tables and lines."""
        if not self.silent:
            console = _console()
            for part in parts:
                console.print(part, markup=False) if isinstance(part, str) else console.print(part)

    def say(self, text: str) -> None:
        """One line of progress, on standard error."""
        if not self.silent and sys.stderr.isatty():
            _console(stderr=True).print(text, markup=False, style="dim")

    def line(self, text: str) -> None:
        """A line of another program's, passed on as it comes, on standard error."""
        if not self.silent:
            print(text, file=sys.stderr, flush=True)

    def working(self, text: str) -> AbstractContextManager[Any]:
        """A spinner with elapsed time while something long runs; nothing where no terminal looks."""
        if self.silent or not sys.stderr.isatty():
            return nullcontext()
        return _console(stderr=True).status(text)

    @contextmanager
    def steps(self) -> Iterator[Callable[[str], None]]:
        """A function that tells what runs: a spinner with elapsed time on a terminal, else a line a stage."""
        if self.silent:
            yield lambda _text: None
            return
        console = _console(stderr=True)
        if not console.is_terminal:
            seen: set[str] = set()

            def tell(text: str) -> None:
                stage = text.split(":")[0]
                if stage not in seen:
                    seen.add(stage)
                    print(f"… {text}", file=sys.stderr, flush=True)

            yield tell
            return
        start = time.monotonic()
        with console.status("") as status:
            yield lambda text: status.update(f"{time.monotonic() - start:4.0f} s  {escape(text)}")

    def finish(self, result: dict[str, Any]) -> None:
        """Writes the JSON where it was asked for."""
        if not self.json_target:
            return
        text = json.dumps(result, indent=1, ensure_ascii=True) + "\n"
        if self.json_target == "-":
            sys.stdout.write(text)
            return
        write_text(Path(self.json_target), text)
