"""Reads back what a board says after it was flashed: which model it has, and whether its self-test passed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import BadInput, MissingTool
from .frames import excerpt
from .port import BAUD, Port, PortGone, open_port
from .session import Patience, Session

_MODEL = re.compile(r"model: .{0,200}?sha256 ([0-9a-f]{64})\b")
_SELF_TEST = re.compile(r"self-test: (PASS|FAIL)\b.{0,200}")
_ERROR = re.compile(r"error: .{0,200}")
_READY = re.compile(r"^ready\b", re.M)
#: A board that says nothing for so long after its port is open has said its lines before; then it is asked.
_QUIET_S = 2.5
_AGAIN_S = 0.2
_KEPT = 1 << 16


@dataclass(frozen=True)
class ReadBack:
    """What came: None and empty where nothing did. `self_test` is PASS or FAIL, `line` the firmware's own about it."""

    port: str | None
    sha256: str | None = None
    self_test: str | None = None
    line: str = ""
    said: str = ""


def read_back(
    find: Callable[[], str | None], *, wait_s: float, baud: int = BAUD, open_: Callable[[str, int], Port] = open_port
) -> ReadBack:
    """Waits for the port that `find` names, which may vanish and come back, and reads the boot lines; never fails.

    Where the lines were said before the port was open, the device is asked by the serial protocol. MissingTool alone is
    raised, without pyserial.
    """
    end = time.monotonic() + wait_s
    said = bytearray()
    name: str | None = None
    while time.monotonic() < end:
        try:
            name = find() or name
            if name is not None:
                port = open_(name, baud)
                try:
                    return _read(port, end, said)
                finally:
                    port.close()
        except MissingTool:
            raise
        except BadInput:  # not there yet, or gone again
            pass
        time.sleep(_AGAIN_S)
    return _told(name, said)


def _read(port: Port, end: float, said: bytearray) -> ReadBack:
    """Reads until the boot lines are whole, or nothing comes any more; raises PortGone where the port vanishes."""
    heard = time.monotonic()
    while time.monotonic() < end:
        data = port.read()
        if data:
            heard = time.monotonic()
            said += data
            del said[:-_KEPT]
            text = said.decode("utf-8", "replace")
            if _MODEL.search(text) and _READY.search(text[_MODEL.search(text).start() :]):  # type: ignore[union-attr]
                return _told(port.name, said)
        elif time.monotonic() - heard > _QUIET_S:
            break
    told = _told(port.name, said)
    return told if told.sha256 else _ask(port, end, said)


def _ask(port: Port, end: float, said: bytearray) -> ReadBack:
    try:
        session = Session(port, end, Patience(greeting_s=max(1.0, end - time.monotonic())))
        greeting = session.greet()
    except PortGone:
        raise
    except BadInput:
        return _told(port.name, said)
    passed = {True: "PASS", False: "FAIL", None: None}[greeting.self_test]
    return ReadBack(port.name, greeting.sha256, passed, "", excerpt(bytes(said)))


def _told(name: str | None, said: bytearray) -> ReadBack:
    """What the last start among the lines told."""
    text = said.decode("utf-8", "replace").replace("\r", "")
    models = list(_MODEL.finditer(text))
    text = text[models[-1].start() :] if models else text
    test, error = _SELF_TEST.search(text), _ERROR.search(text) if models else None
    line = test[0] if test else error[0] if error else ""
    return ReadBack(
        name, models[-1][1] if models else None, test[1] if test else None, excerpt(line.encode()), excerpt(bytes(said))
    )
