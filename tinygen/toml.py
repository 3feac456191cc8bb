"""Reads TOML that somebody else wrote: limits first, for the parser has none, and one error for all that is wrong."""

from __future__ import annotations

import re
import sys
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: Parts of a dotted key, for which the parser takes time with their square; levels of tables.
MAX_DOTS, MAX_DEPTH = 200, 20


class TomlError(ValueError):
    """What is wrong, as a phrase that goes on after the file's name."""


def read_tables(data: bytes) -> dict[str, Any]:
    """The tables of a TOML file. TomlError where it is none, or holds what nobody writes: see _check."""
    if any(part.count(b".") > MAX_DOTS for part in re.split(rb"[=\n,{}\[\]]", data)):
        raise TomlError(f"not a readable TOML file: a key of more than {MAX_DOTS} parts")
    try:
        raw = dict(tomllib.loads(data.decode("utf-8")))
    except UnicodeDecodeError as error:
        raise TomlError(f"not a readable TOML file: byte {error.start} is not UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise TomlError(f"not a readable TOML file: {error}") from error
    except RecursionError as error:
        raise TomlError("not a readable TOML file: nested too deeply") from error
    except ValueError as error:
        raise TomlError("not a readable TOML file: a number of thousands of digits") from error
    _check(raw, 0)
    return raw


def _check(value: Any, depth: int) -> None:
    """Refuses what other rooms trip over: NUL in a text, integers beyond 64 bits, deep nesting."""
    if depth > MAX_DEPTH:
        raise TomlError(f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, (dict, list)):
        for inner in (*value, *value.values()) if isinstance(value, dict) else value:
            _check(inner, depth + 1)
    elif isinstance(value, str) and "\0" in value:
        raise TomlError(f"{value[:40]!r} holds a NUL")
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise TomlError("an integer beyond 64 bits")
