"""Copies a MicroPython project to its board with mpremote, and asks the board what it then computes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..backends.templating import render
from ..device.ports import find_port
from ..errors import BadInput, TinygenError
from ..processes import Finished, run_live
from ..project import Manifest
from ..simulate.inputs import generated
from .programs import find_program

_TIMEOUT_S = 300.0
#: USB ids of MicroPython's own serial ports: ports/rp2/mpconfigport.h, ports/stm32/usb.c.
_USB = ("2e8a:0005", "f055:9800", "f055:9801", "f055:9802")
_MODEL = re.compile(r"^model: \S+ sha256 ([0-9a-f]{64})\s*$", re.M)
_OUTPUT = re.compile(r"^output: ([0-9a-f]{8})\s*$", re.M)


@dataclass(frozen=True)
class Deployed:
    """What mpremote said; of the board its model's hash and the CRC-32 of its output for the ramp, where it told."""

    said: str
    port: str
    sha256: str | None = None
    output_crc32: str | None = None


def deploy(
    project: Path, manifest: Manifest, *, port: str | None, romfs: bool, on_line: Callable[[str], None] | None = None
) -> str:
    """Copies `device/` to the board, or into its ROM filesystem; returns mpremote's output.

    Raises MissingTool without mpremote, BadInput where the port is not clear, TinygenError with mpremote's last line.
    """
    files = sorted(str(path) for path in (project / "device").iterdir() if path.is_file())
    if romfs:
        return _mpremote(port, ["romfs", "deploy", str(project / "device")], on_line)
    said = _mpremote(port, ["fs", "cp", *files, ":"], on_line)
    _mpremote(port, ["soft-reset"], on_line)
    return said


def romfs_image(project: Path, manifest: Manifest) -> Path:
    """Builds build/<name>.romfs out of `device/`, Python files compiled; returns its path."""
    image = project / "build" / f"{manifest.model.name}.romfs"
    image.parent.mkdir(exist_ok=True)
    _run(["romfs", "--output", str(image), "build", str(project / "device")], None)
    if not image.is_file():
        raise TinygenError("mpremote wrote no image.", "mpremote 1.25 and later build one.")
    return image


def ask(manifest: Manifest, port: str | None, on_line: Callable[[str], None] | None = None) -> Deployed:
    """Imports the model on the board and runs the ramp there."""
    ramp = "".join(f"\\x{byte:02x}" for byte in generated(manifest.model.inputs, 0))
    script = render("micropython/selftest.py.j2", model=manifest.model.name, ramp=ramp)
    said = _mpremote(port, ["exec", script], on_line)
    model, output = _MODEL.search(said), _OUTPUT.search(said)
    return Deployed(said, port or "auto", model and model[1], output and output[1])


def find_board(board: str, usb: Sequence[str]) -> str:
    """The port of the board; BadInput where there is none, or several that it may be."""
    found = find_port((*_USB, *usb), board)
    if found is None:
        raise BadInput(f"{board}: no serial port is there.", "Connect the board, or name its port: --port P.")
    return found.name


def _mpremote(port: str | None, command: Sequence[str], on_line: Callable[[str], None] | None) -> str:
    return _run(["connect", port or "auto", *command], on_line)


def _run(arguments: Sequence[str], on_line: Callable[[str], None] | None) -> str:
    program = find_program("mpremote")
    done: Finished = run_live(
        [program, *arguments], timeout_s=_TIMEOUT_S, env=None, on_line=on_line or (lambda _line: None)
    )
    if done.code is None:
        raise TinygenError(f"mpremote: no end after {_TIMEOUT_S:g} s.", "Is a program on the board busy?")
    if done.code != 0:
        lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
        said = lines[-1].removeprefix("mpremote: ")[:200] if lines else f"it ended with code {done.code}"
        raise BadInput(f"mpremote: {said}.", "--port P names the board's port.")
    return done.stdout
