"""Flashing a board: the budget, the port and the chip are checked first, and what the board then says is read back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .backends.projects import require_platformio
from .boards import BoardProfile, load_board
from .checking import check
from .device.boot import ReadBack, read_back
from .device.ports import find_port
from .errors import BadInput, MissingTool, OutputsDiffer, TinygenError
from .micropython.deploy import ask, deploy, find_board
from .project import Manifest, read_manifest
from .simulate.compare import crc32
from .simulate.inputs import generated
from .simulate.reference import reference
from .toolchain import chip, platformio

#: How long a board may take to start and to say which model it has.
READ_BACK_S = 20.0


@dataclass(frozen=True)
class Flashed:
    """A board that was flashed. `problem` is what the board said against it, `notes` tell what could not be checked."""

    said: str
    port: str | None
    chip: chip.Chip
    back: ReadBack | None
    notes: tuple[str, ...]
    problem: TinygenError | None
    by: str = "flashed by PlatformIO"

    def json(self) -> dict[str, Any]:
        """The keys that other programs rely on."""
        back = self.back or ReadBack(None)
        return {
            "said": self.said,
            "port": self.port,
            "chip": {"expected": self.chip.expected, "found": self.chip.found, "source": self.chip.source},
            "self_test": back.self_test,
            "sha256": back.sha256,
            "notes": list(self.notes),
        }


def flash(
    project: Path,
    *,
    port: str | None = None,
    romfs: bool = False,
    readback: bool = True,
    wait_s: float = READ_BACK_S,
    on_line: Callable[[str], None] | None = None,
) -> Flashed:
    """Flashes the project with PlatformIO, whose lines go to `on_line` as they come, and reads the board back.

    A MicroPython project's `device/` is copied by mpremote instead, or deployed as a ROM filesystem (`romfs`).

    Before PlatformIO starts: OverBudget where the project does not fit, BadInput where the port or the chip is not
    clear or another one. What the board says afterwards is in the result.
    """
    manifest = read_manifest(project)
    if manifest.runtime == "micropython":
        return _flash_micropython(project, manifest, port, romfs, readback, on_line)
    if romfs:
        raise BadInput(f"{project}: --romfs is of MicroPython projects.", "Leave it out.")
    require_platformio(manifest)
    board = load_board(project / "board.toml")
    if board.platformio is None:
        raise BadInput(f"{manifest.board} is a simulator: there is nothing to flash.", "`tinygen simulate` runs it.")
    check(project).require()
    platformio.require_port_name(port)
    notes: list[str] = []
    used = port or _find(board, notes)
    before = chip.probe(board, used, platformio.core_dir())
    try:
        said = platformio.flash(project, _upload_port(project, board, port, used), on_line=on_line)
    except platformio.UploadFailed as error:
        raise chip.refused(board, error.log) or error from None
    known = chip.after(board, before, said)
    back = _read_back(board, port or used, wait_s, notes) if readback else None
    notes += [known.note] if known.note else []
    where = (back.port if back else None) or used
    return Flashed(said, where, known, back, tuple(notes), _problem(manifest, back))


def _flash_micropython(
    project: Path, manifest: Manifest, port: str | None, romfs: bool, readback: bool,
    on_line: Callable[[str], None] | None,
) -> Flashed:  # fmt: skip
    board = load_board(project / "board.toml")
    check(project, storage="romfs" if romfs else None).require()
    platformio.require_port_name(port)
    used = port or find_board(board.name, board.platformio.usb if board.platformio else ())
    said = deploy(project, manifest, port=used, romfs=romfs, on_line=on_line)
    unknown = chip.Chip(board.mcu, None, "", "")
    by = "deployed as a ROM filesystem by mpremote" if romfs else "copied by mpremote"
    if not readback:
        return Flashed(said, used, unknown, None, (), None, by)
    told = ask(manifest, used)
    back, notes = ReadBack(used, told.sha256, said=told.said[-200:]), tuple[str, ...]()
    try:
        expected = reference(project / manifest.model.file, [generated(manifest.model.inputs, 0)]).outputs[0]
    except MissingTool as error:
        notes = (f"Copied, its output not compared: {error.what}",)
    else:
        right = told.output_crc32 == crc32(expected)
        line = f"the ramp's output has CRC-32 {told.output_crc32}, the reference's {crc32(expected)}"
        back = replace(back, self_test="PASS" if right else "FAIL", line=f"self-test: {'PASS' if right else line}")
    return Flashed(said, used, unknown, back, notes, _problem(manifest, back), by)


def _upload_port(project: Path, board: BoardProfile, given: str | None, found: str | None) -> str | None:
    """The port that PlatformIO is told; it finds those of other uploaders itself, and a debugger needs none."""
    if board.mcu.startswith("esp32"):
        return given or found
    own = "upload_protocol" in (project / "platformio.ini").read_text("utf-8", "replace")
    return given if own or not board.mcu.startswith("stm32") else None


def _find(board: BoardProfile, notes: list[str]) -> str | None:
    """The port that the board is on, None where there is none or nobody can tell; what that means goes to `notes`."""
    spec = board.platformio
    try:
        found = find_port(spec.usb if spec else (), board.name)
    except MissingTool as error:
        notes.append(f"PlatformIO chose the port: {error.what}")
        return None
    return found.name if found else None


def _read_back(board: BoardProfile, port: str | None, wait_s: float, notes: list[str]) -> ReadBack | None:
    """The board's own words; a board without a port before may have one now, and a port may come back renamed."""
    spec = board.platformio

    def find() -> str | None:
        if port is not None and (Path(port).exists() or not port.startswith("/")):
            return port
        found = find_port(spec.usb if spec else (), board.name)
        return found.name if found else None

    try:
        back = read_back(find, wait_s=wait_s)
    except MissingTool as error:
        notes.append(f"Flashed, but not read back: {error.what}")
        return None
    if back.sha256 is None:
        where = back.port or "any port"
        what = f"what came: {back.said!r}" if back.said else "nothing came"
        notes.append(f"Flashed, but nothing was read back of {where} in {wait_s:.0f} s; {what}.")
    elif back.self_test is None:
        notes.append("The firmware tells of no self-test.")
    return back


def _problem(manifest: Manifest, back: ReadBack | None) -> TinygenError | None:
    if back is None or back.sha256 is None:
        return None
    if back.sha256 != manifest.model.sha256:
        return BadInput(
            f"{back.port}: answers with another model: SHA-256 {back.sha256[:16]}…, the project's is "
            f"{manifest.model.sha256[:16]}….",
            "Is it the port of the board that was flashed? --port P says which.",
        )
    if back.self_test == "FAIL":
        line = back.line or "the self-test failed"
        return OutputsDiffer(f"{back.port}: {line}.", "`tinygen simulate` compares the bits, too.")
    if back.line.startswith("error: "):
        return OutputsDiffer(f"{back.port}: the model does not run there: {back.line.removeprefix('error: ')}.")
    return None
