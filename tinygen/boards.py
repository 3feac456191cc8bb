"""Board profiles by name or path, read and validated: every figure in one names its source."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ValidationError

from .board_schema import FEATURES, BoardProfile, Core, Framework, MicroPython, PlatformIO, Region, SimulatorSpec
from .errors import BadInput, suggest
from .resources import data_dir
from .toml import TomlError, read_tables

__all__ = [
    "FEATURES",
    "BoardProfile",
    "Core",
    "Framework",
    "MicroPython",
    "PlatformIO",
    "Region",
    "SimulatorSpec",
    "board_bytes",
    "board_names",
    "load_board",
]

#: A profile is a page of text: anything longer was given by mistake and is not read.
MAX_PROFILE_BYTES = 256 * 1024
#: As many problems as one line can carry; a file that is something else altogether has thousands.
MAX_PROBLEMS = 8


def board_names() -> list[str]:
    """The names of the profiles that ship with tinygen, sorted."""
    return sorted(p.stem for p in data_dir("boards").glob("*.toml"))


def load_board(name_or_path: str | Path) -> BoardProfile:
    """A profile by name, or a user's own by the path of its TOML file.

    Raises BadInput for an unknown name (with a suggestion), an unreadable file, unknown or missing keys.
    """
    return _parse(*_find(name_or_path))


def board_bytes(name_or_path: str | Path) -> bytes:
    """The TOML of a profile as it stands on disk, found as load_board finds it."""
    return _find(name_or_path)[1]


def _find(name_or_path: str | Path) -> tuple[str, bytes]:
    """(file name, content) of a profile."""
    text = str(name_or_path)
    if re.fullmatch(r"[a-z0-9][a-z0-9_-]*", text):
        shipped = data_dir("boards") / f"{text}.toml"
        if _is_file(shipped):
            return shipped.name, _content(shipped)
        if not _is_file(Path(text)):
            hint = "`tinygen boards` lists them; a profile of your own is given by its path."
            raise BadInput(f"Unknown board {_short(text)!r}.", suggest(text[:40], board_names()) or hint)
    path = Path(text)
    if not _is_file(path):
        raise BadInput(
            f"No board profile at {_short(text)!r}.", "`tinygen boards` lists the boards that ship with tinygen."
        )
    return path.name, _content(path)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name too long, or with a NUL in it
        return False


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_PROFILE_BYTES + 1)
    except OSError as error:
        raise BadInput(f"{path.name}: cannot be read: {error.strerror}.") from error
    if len(data) > MAX_PROFILE_BYTES:
        raise BadInput(f"{path.name}: over {MAX_PROFILE_BYTES} bytes long, which no board profile is.")
    return data


@lru_cache(maxsize=64)
def _parse(name: str, data: bytes) -> BoardProfile:
    try:
        raw = read_tables(data)
    except TomlError as error:
        raise BadInput(f"{name}: {error}.") from error
    try:
        return BoardProfile.model_validate(raw)
    except ValidationError as error:
        problems = [_describe(e["loc"], e["type"], e["msg"]) for e in error.errors(include_input=False)]
        shown = "; ".join(problems[:MAX_PROBLEMS])
        more = f" and {len(problems) - MAX_PROBLEMS} more" if len(problems) > MAX_PROBLEMS else ""
        raise BadInput(f"{name}: {shown}{more}.", "boards/README.md lists the keys.") from error


def _describe(loc: tuple[int | str, ...], kind: str, message: str) -> str:
    where = ".".join(_short(str(part), 40) for part in loc) or "profile"
    if kind == "extra_forbidden":
        hint = suggest(str(loc[-1])[:40], _keys_beside(loc))
        return f"unknown key {where!r}{f', {hint}' if hint else ''}"
    if kind == "missing":
        return f"missing key {where!r}"
    if message.startswith("Value error, "):
        text = message.removeprefix("Value error, ")
        return f"{where}: {text}" if loc else text
    return f"{where}: {message}"


def _short(text: str, most: int = 200) -> str:
    """A name of a user's as a message can carry it."""
    return text if len(text) <= most else f"{text[:most]}…"


def _keys_beside(loc: tuple[int | str, ...]) -> list[str]:
    """The keys that are known where an unknown one stands."""
    model = _TABLES.get(str(loc[0]), BoardProfile) if len(loc) > 1 else BoardProfile
    return [field.alias or name for name, field in model.model_fields.items()]


_TABLES: dict[str, type[BaseModel]] = {
    "regions": Region,
    "frameworks": Framework,
    "platformio": PlatformIO,
    "simulators": SimulatorSpec,
    "micropython": MicroPython,
}
