"""Board profiles: what a board's TOML file may say, read and validated; every figure names its source."""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from .errors import BadInput, suggest
from .resources import data_dir

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Core = Literal[
    "cortex-m0", "cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m4f", "cortex-m7", "cortex-m33", "cortex-m55",
    "rv32imc", "xtensa-lx6", "xtensa-lx7",
]

#: The instruction-set features that kernel variants ask for, by core. Every core runs the portable kernels.
FEATURES: dict[str, frozenset[str]] = {
    "cortex-m0": frozenset({"armv6m"}),
    "cortex-m0plus": frozenset({"armv6m"}),
    "cortex-m3": frozenset({"armv7m"}),
    "cortex-m4": frozenset({"armv7m", "dsp"}),
    "cortex-m4f": frozenset({"armv7m", "dsp"}),
    "cortex-m7": frozenset({"armv7m", "dsp"}),
    "cortex-m33": frozenset({"armv7m", "dsp"}),
    "cortex-m55": frozenset({"armv7m", "dsp", "mve"}),
    "rv32imc": frozenset({"rv32"}),
    "xtensa-lx6": frozenset({"xtensa"}),
    "xtensa-lx7": frozenset({"xtensa"}),
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Region(_Strict):
    """One memory of the chip, as the processor sees it."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    kind: Literal["flash", "ram", "tcm", "psram"]
    origin: int = Field(ge=0, lt=2**32)
    size: int = Field(gt=0, le=2**30)
    source: str


class Framework(_Strict):
    """What a framework takes on this board before the user's program has any: static RAM, stack and heap, flash."""

    name: str
    flash_bytes: int = Field(ge=0)
    ram_bytes: int = Field(ge=0)
    source: str


class PlatformIO(_Strict):
    """PlatformIO's names for the board; `version` pins the platform, `package` is its requirement string."""

    board: str
    platform: str
    version: str
    frameworks: tuple[str, ...]
    default_framework: str
    fork: str = ""  # where the official platform lacks the board or the framework: the fork's name and why
    source: str


class SimulatorSpec(_Strict):
    """How the board is simulated: `kind` unicorn maps its own memory, qemu runs the named machine."""

    kind: Literal["unicorn", "qemu"]
    machine: str = ""
    cpu: str = ""
    clock: str = ""  # the guest timer that counts instructions under -icount, e.g. "cmsdk@0x40000000" or "minstret"
    source: str


class BoardProfile(_Strict):
    """One board. The default framework's reserve is taken off what a user's program may have."""

    schema_: Literal[1] = Field(alias="schema")
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    title: str
    mcu: str
    core: Core
    clock_hz: int = Field(gt=0)
    source: str
    fpu: Literal["none", "single", "double"] = "none"
    regions: tuple[Region, ...] = Field(min_length=1)
    frameworks: tuple[Framework, ...] = ()
    platformio: PlatformIO | None = None
    simulators: tuple[SimulatorSpec, ...] = ()
    micropython_arch: str = ""
    notes: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> BoardProfile:
        kinds = [r.kind for r in self.regions]
        if kinds.count("flash") != 1:
            raise ValueError("regions: exactly one region of kind 'flash' is needed")
        if not any(k in ("ram", "tcm") for k in kinds):
            raise ValueError("regions: a region of kind 'ram' is needed")
        if len({r.name for r in self.regions}) != len(self.regions):
            raise ValueError("regions: two regions have the same name")
        spans = sorted((r.origin, r.origin + r.size, r.name) for r in self.regions)
        for (_, end, a), (start, _, b) in zip(spans, spans[1:]):
            if start < end:
                raise ValueError(f"regions: {a} and {b} overlap")
        if self.platformio and self.frameworks and self.platformio.default_framework not in {f.name for f in self.frameworks}:
            raise ValueError(f"frameworks: the default framework {self.platformio.default_framework!r} has no entry")
        return self

    @property
    def features(self) -> frozenset[str]:
        """Instruction-set features for choosing kernel variants."""
        return FEATURES[self.core]

    @property
    def flash(self) -> Region:
        """The region that holds code and constants."""
        return next(r for r in self.regions if r.kind == "flash")

    @property
    def ram(self) -> Region:
        """The region that holds static data and the stack: the largest internal one."""
        internal = [r for r in self.regions if r.kind in ("ram", "tcm")]
        return max(internal, key=lambda r: (r.kind == "ram", r.size))

    @property
    def framework(self) -> Framework | None:
        """The framework that a rendered project uses, None on bare metal."""
        if self.platformio is None:
            return None
        return next((f for f in self.frameworks if f.name == self.platformio.default_framework), None)


def board_names() -> list[str]:
    """The names of the profiles that ship with tinygen, sorted."""
    return sorted(p.stem for p in data_dir("boards").glob("*.toml"))


def load_board(name_or_path: str | Path) -> BoardProfile:
    """A profile by name, or a user's own by the path of its TOML file.

    Raises BadInput for an unknown name (with a suggestion), an unreadable file, unknown or missing keys.
    """
    text = str(name_or_path)
    if re.fullmatch(r"[a-z0-9][a-z0-9_-]*", text):
        path = data_dir("boards") / f"{text}.toml"
        if path.is_file():
            return _read(path)
        if not Path(text).is_file():
            raise BadInput(
                f"Unknown board {text!r}.",
                suggest(text, board_names()) or "`tinygen boards` lists them; a profile of your own is given by its path.",
            )
    path = Path(text)
    if not path.is_file():
        raise BadInput(f"No board profile at {text!r}.", "`tinygen boards` lists the boards that ship with tinygen.")
    return _read(path)


@cache
def _read(path: Path) -> BoardProfile:
    try:
        raw = tomllib.loads(path.read_bytes().decode("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"{path.name}: not a readable TOML file: {error}") from error
    try:
        return BoardProfile.model_validate(raw)
    except ValidationError as error:
        problems = [_describe(e["loc"], e["type"], e["msg"]) for e in error.errors()]
        raise BadInput(f"{path.name}: {'; '.join(problems)}.", "boards/README.md lists the keys.") from error


def _describe(loc: tuple[int | str, ...], kind: str, message: str) -> str:
    where = ".".join(str(part) for part in loc) or "profile"
    if kind == "extra_forbidden":
        known = [*BoardProfile.model_fields, *Region.model_fields, *Framework.model_fields, *PlatformIO.model_fields]
        return f"unknown key {where!r} {suggest(str(loc[-1]), known)}".rstrip()
    if kind == "missing":
        return f"missing key {where!r}"
    return f"{where}: {message.removeprefix('Value error, ')}"
