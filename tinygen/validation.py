"""Validation on a board: the same samples through the device and the reference, every output byte compared."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .boards import load_board
from .dataset import Array, DataSet, load_data
from .device.messages import Greeting
from .device.port import BAUD, Port, open_port
from .device.session import Patience, Session
from .device.stream import stream
from .errors import BadInput
from .project import Manifest, read_manifest
from .simulate.inputs import check_samples, generated
from .simulate.qemu import clock
from .simulate.qemu_serial import qemu_serial, qemu_spec
from .simulate.reference import reference
from .simulation import held_out_inputs
from .toolchain.build_app import build_app
from .validation_report import Measured, ValidationReport, report_of

#: The port that stands for a simulator of the project's board.
QEMU = "qemu"
_START_S, _SAMPLE_S, _CHARACTER_S = 120.0, 20.0, 2e-3


@dataclass(frozen=True)
class _Samples:
    """Inputs' bytes with their names, and what they should give where the data says so."""

    inputs: list[bytes]
    names: list[str]
    y: Array | None


def validate(
    project: Path,
    *,
    port: str,
    data: Path | DataSet | None = None,
    samples: int | None = None,
    baud: int = BAUD,
    timeout_s: float | None = None,
    patience: Patience | None = None,
    on_sample: Callable[[int, int], None] = lambda _done, _all: None,
) -> ValidationReport:
    """Streams samples to the board on `port` and compares every output with the reference, bit for bit.

    Without `data` the ramp and seeded inputs go in, as in `simulate`. `port` "qemu" starts the simulator of the
    project's board. All is over after `timeout_s`, by default two minutes and 20 s a sample, more for large inputs.
    Differences are in the report. BadInput where the device does not answer, or runs another model than the project's.
    """
    manifest = read_manifest(project)
    _check_project(project, manifest)
    given = _samples(manifest, data, samples)
    check_samples(manifest.model.inputs, given.inputs)
    size = sum(t.bytes for t in (*manifest.model.inputs, *manifest.model.outputs))
    limit_s = timeout_s or _START_S + (_SAMPLE_S + size * _CHARACTER_S) * len(given.inputs)
    with _port(project, manifest, port, baud) as opened:
        session = Session(opened, time.monotonic() + limit_s, patience or Patience())
        device = session.greet()
        session.retries = 0  # a board may take its time to start
        _check_device(device, manifest, opened.name)
        said = [session.text(i) for i in range(3)]
        oracle = reference(project / manifest.model.file, given.inputs, timeout_s=limit_s)
        session.ends = time.monotonic() + limit_s
        count = len(given.inputs)
        got = stream(
            session, device, given.inputs, stateful=manifest.plan.state_bytes > 0,
            on_sample=lambda done: on_sample(done, count),
        )  # fmt: skip
    rate = ticks_per_instruction(project, port)
    measured = Measured(port, device, said[0], said[1], said[2], got, session.retries, rate)
    return report_of(manifest, measured, oracle, given.names, given.y)


def _check_project(project: Path, manifest: Manifest) -> None:
    if manifest.runtime == "micropython":
        raise BadInput(f"{project}: a MicroPython module has no serial application.", "--runtime aot or tflm.")
    try:
        digest = hashlib.sha256((project / manifest.model.file).read_bytes()).hexdigest()
    except OSError as error:
        raise BadInput(f"{project / manifest.model.file}: cannot be read: {error.strerror}.") from None
    if digest != manifest.model.sha256:
        raise BadInput(
            f"{manifest.model.file}: is not the model that {project} was rendered from.",
            "`tinygen generate` renders it anew.",
        )


def _check_device(device: Greeting, manifest: Manifest, port: str) -> None:
    """Refuses a device of another model before anything is sent to it."""
    if device.sha256 != manifest.model.sha256:
        raise BadInput(
            f"{port}: the device runs another model: SHA-256 {device.sha256[:16]}…, the project's is "
            f"{manifest.model.sha256[:16]}….",
            "`tinygen flash` brings this one onto the board.",
        )
    ends = [sum(t.bytes for t in tensors) for tensors in (manifest.model.inputs, manifest.model.outputs)]
    if [device.input_bytes, device.output_bytes] != ends:
        raise BadInput(
            f"{port}: the device's inputs and outputs take {device.input_bytes} and {device.output_bytes} bytes, the "
            f"project's {ends[0]} and {ends[1]}."
        )
    if not device.ready:
        raise BadInput(f"{port}: the device's model did not start.", "The board's first lines say why.")


def _samples(manifest: Manifest, data: Path | DataSet | None, samples: int | None) -> _Samples:
    if data is None:
        count = 5 if samples is None else samples
        runs = [generated(manifest.model.inputs, i) for i in range(count)]
        return _Samples(runs, [f"random {i}" if i else "ramp" for i in range(count)], None)
    inputs, y = held_out_inputs(data if isinstance(data, DataSet) else load_data(data), manifest, samples)
    return _Samples(inputs, [f"data {i}" for i in range(len(inputs))], y)


def ticks_per_instruction(project: Path, port: str) -> float | None:
    """Of the clock of the simulator that was started here; None for a real port."""
    if port != QEMU:
        return None
    board = load_board(project / "board.toml")
    return clock(qemu_spec(board.simulators, board.name))[0].ticks_per_instruction


@contextmanager
def _port(project: Path, manifest: Manifest, name: str, baud: int) -> Iterator[Port]:
    """The port, opened; for "qemu" that of a simulator which runs as long."""
    if name != QEMU:
        opened = open_port(name, baud)
        try:
            yield opened
        finally:
            opened.close()
        return
    board = load_board(project / "board.toml")
    with tempfile.TemporaryDirectory(prefix="tinygen-") as folder:
        spec = qemu_spec(board.simulators, board.name)
        image = build_app(project, board, spec, Path(folder), manifest.toolchain)
        with qemu_serial(image, spec, Path(folder)) as path:
            opened = open_port(path, baud)
            try:
                yield opened
            finally:
                opened.close()
