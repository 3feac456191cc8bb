"""The application made ready for a model, with vectors for its self-test out of TensorFlow Lite Micro's kernels."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from .application import Application, AppPlan, Vector, plan_application
from .boards import BoardProfile
from .dataset import DataSet, load_data
from .errors import BadInput, MissingTool
from .project import AppRecord, Manifest
from .simulate.inputs import generated
from .simulate.reference import reference
from .simulation import held_out_inputs

#: Vectors take at most this share of the flash, and never more than this.
_FLASH_SHARE, _MOST_BYTES = 16, 32 << 10


def prepare_application(
    app: Application, tflite: bytes, manifest: Manifest, board: BoardProfile, data: Path | DataSet | None
) -> tuple[Manifest, AppPlan]:
    """The manifest with what it says of the application, and the application as it is rendered."""
    asked = app.section
    if board.platformio is None and manifest.project == "platformio":
        if asked.source != "serial":
            raise BadInput(f"{board.name}: a simulator's board has no application.", "Leave it out.")
        return manifest, AppPlan()
    plan = plan_application(app, manifest.model)
    if app.vectors:
        held = load_data(data) if isinstance(data, Path) else data
        plan = replace(plan, vectors=make_vectors(tflite, manifest, board, app.vectors, held))
    elif app.ramp and asked.vectors is None:
        with suppress(MissingTool):  # nobody asked: without the kernels, the ramp's CRC-32 is told and not compared
            plan = replace(plan, vectors=make_vectors(tflite, manifest, board, 1, None))
    record = AppRecord(
        source=plan.source,
        vectors=len(plan.vectors),
        flash_bytes=plan.flash_bytes,
        ram_bytes=plan.ram_bytes,
        threshold=asked.threshold,
    )
    return manifest.model_copy(update={"app": record}), plan


def limit_bytes(board: BoardProfile) -> int:
    """What the vectors may take of the board's flash."""
    return min(_MOST_BYTES, board.flash.size // _FLASH_SHARE)


def make_vectors(
    tflite: bytes, manifest: Manifest, board: BoardProfile, count: int, data: DataSet | None
) -> tuple[Vector, ...]:
    """The first `count` held-out samples, or the ramp and seeded random inputs: as many as fit, in order.

    The ramp is made on the device and takes no flash but its outputs' bytes; where not even these fit, or no sample
    does, its CRC-32 stands for them. Raises MissingTool without TensorFlow Lite Micro's own kernels.
    """
    inputs = manifest.model.inputs
    ramp = generated(inputs, 0)
    if data is None:
        samples = [ramp, *(generated(inputs, run) for run in range(1, count))]
    else:
        samples = held_out_inputs(data, manifest, count)[0]
    found = _fitting(samples, _outputs(tflite, samples), ramp if data is None else None, limit_bytes(board))
    if found:
        return found
    return (Vector(None, None, zlib.crc32(_outputs(tflite, [ramp])[0])),)


def _outputs(tflite: bytes, samples: Sequence[bytes]) -> tuple[bytes, ...]:
    with tempfile.TemporaryDirectory(prefix="tinygen-") as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(tflite)
        oracle = reference(path, samples)
    if not oracle.exact:
        raise MissingTool(
            f"Vectors for the self-test need TensorFlow Lite Micro's kernels; {oracle.name} may differ by one.",
            "pip install 'tinygen[sim]' on Linux x86-64, or --source serial.",
        )
    return oracle.outputs


def _fitting(
    samples: Sequence[bytes], outputs: Sequence[bytes], ramp: bytes | None, most_bytes: int
) -> tuple[Vector, ...]:
    """The longest beginning that fits: later samples of a streaming model follow from earlier ones."""
    found: list[Vector] = []
    for sample, output in zip(samples, outputs, strict=True):
        vector = Vector(None if sample == ramp else sample, output, zlib.crc32(output))
        most_bytes -= vector.flash_bytes
        if most_bytes < 0:
            break
        found.append(vector)
    return tuple(found)
