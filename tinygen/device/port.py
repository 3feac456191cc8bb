"""A serial port by pyserial: a device, a pseudo-terminal's path or a URL; every read and write ends in time."""

from __future__ import annotations

import time
from typing import Any, Protocol

from ..errors import BadInput, TinygenError, missing_extra

BAUD = 115200
_POLL_S = 0.02
_WRITE_S = 5.0
_SCHEMES = ("socket://", "rfc2217://")


class PortGone(BadInput):
    """The port vanished, or takes no more bytes."""


class Port(Protocol):
    """What a session needs of a port."""

    name: str

    def read(self) -> bytes:
        """What has come; waits a few hundredths of a second, then returns nothing."""

    def write(self, data: bytes) -> None:
        """Sends all of it."""

    def close(self) -> None:
        """Lets the port go."""


def require_pyserial() -> Any:
    """The package serial; MissingTool where it is not installed."""
    try:
        import serial
    except ModuleNotFoundError:
        raise missing_extra("pyserial", "flash") from None
    if not hasattr(serial, "serial_for_url"):
        raise BadInput("The Python package serial is not pyserial.", "pip uninstall serial; pip install pyserial")
    return serial


def open_port(name: str, baud: int = BAUD) -> Port:
    """Opens a port by its name, path or URL. MissingTool without pyserial, BadInput where it cannot be opened."""
    serial = require_pyserial()
    if "://" in name and not name.startswith(_SCHEMES):
        raise BadInput(f"{name[:80]!r} is no address of a port.", "socket://HOST:PORT is one.")
    options: dict[str, Any] = {"baudrate": baud, "timeout": _POLL_S, "write_timeout": _WRITE_S}
    if "://" not in name:
        options["exclusive"] = True
    try:
        return _SerialPort(name, serial.serial_for_url(name, **options))
    except (serial.SerialException, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise BadInput(f"{name}: the port cannot be opened: {reason}.", "`pio device list` names the ports.") from None


class _SerialPort:
    def __init__(self, name: str, device: Any) -> None:
        self.name = name
        self._device = device
        self._serial = require_pyserial()

    def read(self) -> bytes:
        try:
            first = bytes(self._device.read(1))
            return first + bytes(self._device.read(self._device.in_waiting)) if first else b""
        except (self._serial.SerialException, OSError, TypeError) as error:
            raise self._gone(error) from None

    def write(self, data: bytes) -> None:
        end = time.monotonic() + _WRITE_S
        try:
            while data and time.monotonic() < end:
                data = data[self._device.write(data) or 0 :]
        except self._serial.SerialTimeoutException:
            pass
        except (self._serial.SerialException, OSError, TypeError) as error:
            raise self._gone(error) from None
        if data:
            raise PortGone(f"{self.name}: the port takes no bytes.", "Is another program holding it, or the board off?")

    def close(self) -> None:
        try:
            self._device.close()
        except (self._serial.SerialException, OSError) as error:  # a port that has gone
            del error

    def _gone(self, error: Exception) -> TinygenError:
        reason = (str(error).splitlines() or ["no reason"])[0]
        return PortGone(f"{self.name}: the port vanished: {reason}.", "Is the cable in, and the board not resetting?")
