"""The command line: the commands by name, and every error as one line with its exit code."""

from __future__ import annotations

import errno
import io
import os
import re
import sys
import traceback
from collections.abc import Callable
from typing import Annotated

import typer

from . import __version__
from .commands import (
    boards,
    build,
    check,
    compress,
    demo,
    doctor,
    flash,
    generate,
    inspect,
    quantize,
    run,
    search,
    simulate,
    validate,
)
from .errors import TinygenError, suggest

app = typer.Typer(
    name="tinygen",
    help="From a Keras model to firmware that is proven to fit its board and to compute TensorFlow Lite Micro's bits.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_OUTSIDE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)
COMMANDS: dict[str, Callable[..., None]] = {
    "demo": demo.command,
    "run": run.command,
    "compress": compress.command,
    "search": search.command,
    "quantize": quantize.command,
    "inspect": inspect.command,
    "generate": generate.command,
    "check": check.command,
    "simulate": simulate.command,
    "build": build.command,
    "flash": flash.command,
    "validate": validate.command,
    "boards": boards.command,
    "doctor": doctor.command,
}
for _name, _command in COMMANDS.items():
    app.command(_name)(_command)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"tinygen {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """The entry point: runs a command and exits 0, 1 (fault), 2 (input), 3 (budget), 4 (bits) or 5 (missing tool)."""
    debug = "--debug" in sys.argv
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    sys.argv += ["--help"] if len(sys.argv) == 1 else []
    try:
        code = app(standalone_mode=False)
        code = code if isinstance(code, int) else 0
        sys.stdout.flush()
    except TinygenError as error:
        code = _tell(error.line, error.exit_code, debug)
    except KeyboardInterrupt:
        code = _tell("Stopped.", 130, False)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:
        code = _from_outside(error, debug)
    except Exception as error:
        code = _unexpected(error, debug)
    sys.exit(code)


def _from_outside(error: OSError, debug: bool) -> int:
    """A full disk or a forbidden place is the user's to mend; every other OSError is unexpected."""
    if error.errno not in _OUTSIDE:
        return _unexpected(error, debug)
    if error.filename is None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return _tell(f"{error.filename or 'standard output'}: cannot be used: {error.strerror}.", 2, debug)


def _unexpected(error: Exception, debug: bool) -> int:
    """The parser's own errors are usage (typer brings its own copy of click, so they are known by what they can do)."""
    if hasattr(error, "format_message"):
        text = " ".join(str(error.format_message()).split())
        unknown = re.match(r"No such command '([^']*)'", text)
        if unknown:
            text = f"No command {unknown[1]!r}. {suggest(unknown[1], COMMANDS)} `tinygen --help` lists them."
        return _tell(text, 2, debug) if text else 2
    if type(error).__name__ == "Abort":
        return _tell("Stopped.", 130, False)
    line = (f"{type(error).__name__}: {error}".splitlines() or [""])[0]
    return _tell(f"A fault of tinygen's: {line} Hint: --debug shows where.", 1, debug)


def _tell(line: str, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    print(f"tinygen: {line}", file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
