"""Which chip is on the other end: what esptool, st-info and OpenOCD say of it, held to the board's own."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from ..boards import BoardProfile
from ..errors import BadInput, MissingTool
from ..processes import run

_TIMEOUT_S = 40.0
_ESP = re.compile(r"(?:Chip is|Chip type:|Detecting chip type\.\.\.)\s+(ESP\d+(?:-(?:S[2-9]|[CHP]\d+))?)")
_WRONG_ESP = re.compile(r"This chip is (ESP[\w-]+),? not (ESP[\w-]+)")
_ST_INFO = re.compile(r"chipid:\s*0x0*([0-9a-fA-F]{3})\b")
_OPENOCD = re.compile(r"device id = 0x[0-9a-fA-F]{4,5}([0-9a-fA-F]{3})\b")


@dataclass(frozen=True)
class Chip:
    """What is expected and what was found, as the tools write it; None where nothing tells, and `note` says why."""

    expected: str
    found: str | None
    source: str
    note: str = ""


def expected(board: BoardProfile) -> str:
    """The chip as its tool names it: ESP32-S3, or 0x421 by ST's device id; empty where no tool tells."""
    match = re.fullmatch(r"esp32(?:([a-z])(\d+))?", board.mcu)
    if match:
        return f"ESP32-{match[1].upper()}{match[2]}" if match[1] else "ESP32"
    spec = board.platformio
    return f"0x{spec.device_id:03x}" if spec and spec.device_id else ""


def probe(board: BoardProfile, port: str | None, core: Path) -> Chip:
    """Asks the chip before it is flashed, where a tool for it is here. BadInput where it is another one."""
    want = expected(board)
    if not want:
        return Chip(board.mcu, None, "", f"{board.mcu}: no tool tells which chip is there.")
    if want.startswith("ESP"):
        command, source = _esptool(port, core), "esptool"
    else:
        path = shutil.which("st-info")
        command, source = ((path, "--probe") if path else ()), "st-info"
    if not command:
        note = "no port to ask" if source == "esptool" and port is None else f"{source} is not here"
        return Chip(want, None, "", f"The chip was not checked before: {note}.")
    try:
        done = run(command, timeout_s=_TIMEOUT_S)
    except MissingTool as error:
        return Chip(want, None, "", f"The chip was not checked before: {error.what}")
    found = found_in(done.stdout + "\n" + done.stderr)
    if found is None:
        return Chip(want, None, "", f"The chip was not checked before: {source} got no answer.")
    require(board, want, found, source)
    return Chip(want, found, source)


def after(board: BoardProfile, before: Chip, log: str) -> Chip:
    """The chip by the uploader's own words, where it was not known before; BadInput where it is another one."""
    found = found_in(log) if before.found is None and expected(board) else None
    if found is None:
        return before
    require(board, before.expected, found, "the uploader")
    return Chip(before.expected, found, "uploader")


def refused(board: BoardProfile, log: str) -> BadInput | None:
    """What an uploader that refused the chip means, None where it did not."""
    wrong = _WRONG_ESP.search(log)
    return _other(board, wrong[2], wrong[1], "the uploader") if wrong else None


def found_in(log: str) -> str | None:
    """The chip that a tool's output names last."""
    esp = _ESP.findall(log)
    if esp:
        return str(esp[-1])
    st = _ST_INFO.findall(log) or _OPENOCD.findall(log)
    return f"0x{st[-1].lower()}" if st and int(st[-1], 16) else None


def require(board: BoardProfile, want: str, found: str, source: str) -> None:
    """BadInput where the chip is another one."""
    if found != want:
        raise _other(board, want, found, source)


def _other(board: BoardProfile, want: str, found: str, source: str) -> BadInput:
    return BadInput(f"{source} finds the chip {found}, {board.name} has {want}.", "Another port, or another board?")


def _esptool(port: str | None, core: Path) -> tuple[str, ...]:
    if port is None:
        return ()
    packaged = core / "packages" / "tool-esptoolpy" / "esptool.py"
    if importlib.util.find_spec("esptool") is not None:
        start: tuple[str, ...] = (sys.executable, "-m", "esptool")
    elif packaged.is_file():
        start = (sys.executable, str(packaged))
    else:
        path = shutil.which("esptool") or shutil.which("esptool.py")
        start = (path,) if path else ()
    return (*start, "--port", port, "chip_id") if start else ()
