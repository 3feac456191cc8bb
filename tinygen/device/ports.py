"""The serial ports of this machine, and which one of them a board is on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import BadInput
from .port import require_pyserial


@dataclass(frozen=True)
class PortInfo:
    """A port: its name, "vendor:product" of its USB device (empty where it has none), and what it calls itself."""

    name: str
    usb: str
    title: str

    def __str__(self) -> str:
        what = ", ".join(text for text in (self.usb, self.title) if text)
        return f"{self.name} ({what})" if what else self.name


def list_ports() -> list[PortInfo]:
    """The ports with a USB device, by name. Raises MissingTool without pyserial."""
    require_pyserial()
    from serial.tools.list_ports import comports

    found = [
        PortInfo(p.device, f"{p.vid:04x}:{p.pid or 0:04x}", " ".join((p.description or "").split())[:60])
        for p in comports()
        if p.vid is not None
    ]
    return sorted(found, key=lambda port: port.name)


def find_port(known: Sequence[str], board: str) -> PortInfo | None:
    """The port that the board is on: the only one with an id of `known`, else the only one with a USB device.

    None where there is none at all: some boards are flashed over another way. BadInput with all of them where several
    may be meant.
    """
    ports = list_ports()
    wanted = [port for port in ports if port.usb in known] or ports
    if len(wanted) > 1:
        listed = "; ".join(map(str, wanted))
        raise BadInput(f"{board} may be on one of {len(wanted)} ports: {listed}.", "--port P says which.")
    return wanted[0] if wanted else None
