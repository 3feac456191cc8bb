"""Runs a module in a MicroPython given by path: an ELF for QEMU, over its raw REPL, or a program of this machine.

Each way of storage has a process of its own, so that the heap of one says nothing of another:

- file: from a folder; in QEMU from a file system on the heap, whose own bytes are not counted.
- romfs: from a ROMFS image in memory, where the firmware has vfs.VfsRom.
- frozen: where no files are given, the module is part of the firmware.

The heap is MicroPython's garbage collected one. A firmware for a microcontroller keeps the code of native modules
there, one for Unix in pages of its own.
"""

from __future__ import annotations

import tempfile
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..backends.templating import render
from ..errors import BadInput, OutputsDiffer
from ..processes import run
from .firmware_machine import machine_command
from .raw_repl import RawRepl
from .romfs import romfs_image

_CHUNK_BYTES = 768
_MARK = "tinygen "


@dataclass(frozen=True)
class FirmwareRun:
    """`heap_bytes` by storage is what import leaves on the heap; `error` the exception that ended the run, if any.

    `outputs` is as long as the samples, unless there is an error.
    """

    outputs: tuple[bytes, ...]
    heap_bytes: Mapping[str, int]
    version: str
    arch: str
    error: str = ""


def run_in_firmware(
    firmware: Path,
    files: Mapping[str, bytes],
    name: str,
    samples: Sequence[bytes],
    *,
    timeout_s: float,
    machine: str = "",
) -> FirmwareRun:
    """Imports `name` from `files` (.mpy and .py by name) and gives it the samples, one after the other in one arena.

    `machine` is QEMU's name of the board that an ELF is built for; without it, one with the ELF's core is taken. All
    runs of one storage have `timeout_s`. Raises BadInput where the firmware does not answer as MicroPython does,
    MissingTool where it or QEMU cannot be started, OutputsDiffer where two ways of storage give other outputs.
    """
    if not name.isidentifier() or not name.isascii() or any("/" in path for path in files):
        raise BadInput(f"{name}: a module's name, and files without folders, are what a firmware is given.")
    command = machine_command(firmware, machine)
    found: dict[str, _Told] = {}
    for storage in ("file", "romfs") if files else ("frozen",):
        job = _Job(firmware.name, dict(files), name, tuple(samples), storage, timeout_s)
        told = _in_qemu(command, job) if command else _on_host(firmware, job)
        if told.lacks_romfs:
            continue
        found[storage] = told
        if told.error:
            break
    first, last = next(iter(found.values())), list(found.values())[-1]
    if not last.error and last.outputs != first.outputs:
        raise OutputsDiffer(f"{firmware.name}: {name} from ROMFS gives other outputs than from a file.")
    heap = {storage: told.heap_bytes for storage, told in found.items() if told.heap_bytes is not None}
    outputs = () if last.error else tuple(first.outputs)
    return FirmwareRun(outputs, heap, first.version, first.arch, last.error)


@dataclass(frozen=True)
class _Job:
    firmware: str
    files: Mapping[str, bytes]
    name: str
    samples: tuple[bytes, ...]
    storage: str
    timeout_s: float


@dataclass
class _Told:
    """What the lines said that tg_say of firmware_measure.py printed."""

    outputs: list[bytes] = field(default_factory=list)
    heap_bytes: int | None = None
    version: str = ""
    arch: str = ""
    error: str = ""
    lacks_romfs: bool = False

    def read(self, printed: str, firmware: str) -> None:
        readers: dict[str, Callable[[str], None]] = {
            "out": lambda value: self.outputs.append(bytes.fromhex(value)),
            "heap": lambda value: setattr(self, "heap_bytes", int(value)),
            "version": lambda value: setattr(self, "version", value),
            "arch": lambda value: setattr(self, "arch", value),
            "romfs": lambda value: setattr(self, "lacks_romfs", True),
        }
        for line in printed.splitlines():
            if line.startswith(_MARK):
                what, _, value = line.removeprefix(_MARK).partition(" ")
                try:
                    readers[what](value)
                except (KeyError, ValueError):
                    raise BadInput(f"{firmware}: said {line[:120]!r}, which no run of a module says.") from None

    def require(self, job: _Job) -> None:
        if not self.error and not self.lacks_romfs and len(self.outputs) != len(job.samples):
            count = f"{len(self.outputs)} outputs for {len(job.samples)} samples"
            raise BadInput(f"{job.firmware}: gave {count}: this is no MicroPython that runs scripts.")


def _in_qemu(command: Sequence[str], job: _Job) -> _Told:
    told = _Told()
    with RawRepl(command, timeout_s=job.timeout_s, name=job.firmware) as repl:
        for code in _steps(job):
            answer = repl.execute(code)
            told.read(answer.printed, job.firmware)
            told.error = answer.exception
            if told.error or told.lacks_romfs:
                break
    told.require(job)
    return told


def _steps(job: _Job) -> list[str]:
    """The code of one run, in pieces that a small heap takes."""
    parts = {"image": romfs_image(job.files)} if job.storage == "romfs" else dict(job.files)
    steps = [render("micropython/firmware_measure.py.j2")]
    for number, data in enumerate(parts.values()):
        steps.append(f"tg_data_{number} = bytearray({len(data)})")
        steps += [
            f"tg_data_{number}[{at}:{at + len(piece)}] = binascii.a2b_base64('{b64encode(piece).decode()}')"
            for at in range(0, len(data), _CHUNK_BYTES)
            if (piece := data[at : at + _CHUNK_BYTES])
        ]
    if job.storage == "romfs":
        steps.append("tg_mount_romfs(tg_data_0)")
    elif job.storage == "file":
        steps.append(f"tg_mount_files({{{', '.join(f'{path!r}: tg_data_{i}' for i, path in enumerate(parts))}}})")
    return [*steps, *_runs("/tinygen", job)]


def _runs(folder: str, job: _Job) -> list[str]:
    return [f"tg_import({folder!r}, {job.name!r})", *(f"tg_run('{sample.hex()}')" for sample in job.samples)]


def _on_host(firmware: Path, job: _Job) -> _Told:
    told = _Told()
    with tempfile.TemporaryDirectory(prefix="tinygen-") as place:
        folder = Path(place)
        (folder / "files").mkdir()
        for name, data in job.files.items():
            (folder / "files" / name).write_bytes(data)
        (folder / "image").write_bytes(romfs_image(job.files))
        lines = [render("micropython/firmware_measure.py.j2")]
        if job.storage == "romfs":
            lines += ["tg_mount_romfs(open('image', 'rb').read())", *_runs("/tinygen", job)]
        else:
            lines += _runs(f"{folder}/files", job)
        (folder / "run.py").write_text("\n".join(lines), "utf-8")
        done = run([str(firmware.resolve()), "run.py"], timeout_s=job.timeout_s, cwd=folder)
    if done.code is None:
        raise BadInput(f"{job.firmware}: had {job.timeout_s:g} s to run {job.name}.")
    told.read(done.stdout, job.firmware)
    if done.code < 0:
        raise BadInput(f"{job.firmware}: died of signal {-done.code} while it ran {job.name}.")
    if done.code and not told.lacks_romfs:
        lines = [line.strip() for line in (done.stdout + done.stderr).splitlines()]  # tracebacks go to either
        said = [line for line in lines if line and not line.startswith(_MARK)]
        told.error = said[-1] if said else f"ended with code {done.code}"
    told.require(job)
    return told
