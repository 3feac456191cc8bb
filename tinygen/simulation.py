"""Simulation of a rendered project on real or seeded samples, with the metric on what the firmware itself computed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from .dataset import Array, DataSet, fit_shape, load_data
from .errors import BadInput
from .metric import score
from .objective import Objective
from .preprocess import quantize_input
from .project import Manifest, read_manifest
from .proof import simulate_project
from .simulate.compare import SimulationReport


def simulate(
    project: Path,
    *,
    data: Path | DataSet | None = None,
    samples: int | None = None,
    on: str | None = None,
    sanitize: bool = False,
    compare: bool = True,
    objective: Objective | None = None,
    firmware: Path | None = None,
) -> SimulationReport:
    """Runs the firmware on its board's simulator and compares every output with the reference (unless told not to).

    With `data` the held-out samples go in (all of them, or the first `samples`), preprocessed and quantized as the
    firmware does it, and the report carries the metric, `objective`'s where one is given; without, the ramp and seeded
    random inputs (5, or `samples`). `firmware` is a MicroPython to run a MicroPython project's module in, too.
    """
    manifest = read_manifest(project)
    if data is None:
        return simulate_project(
            project, samples=samples or 5, on=on, toolchain=manifest.toolchain, sanitize=sanitize, compare=compare,
            firmware=firmware,
        )  # fmt: skip
    held = data if isinstance(data, DataSet) else load_data(data)
    inputs, y = held_out_inputs(held, manifest, samples)
    report = simulate_project(
        project, data=inputs, on=on, toolchain=manifest.toolchain, sanitize=sanitize, compare=compare,
        firmware=firmware,
    )  # fmt: skip
    if y is None:
        return report
    return replace(report, metric=score(report.outputs, manifest.model.outputs[0], y, objective))


def held_out_inputs(held: DataSet, manifest: Manifest, samples: int | None) -> tuple[list[bytes], Array | None]:
    """The first `samples` held-out inputs as the model takes them, and their y; of the training data where none is."""
    if len(manifest.model.inputs) != 1:
        raise BadInput(f"{manifest.model.name} has {len(manifest.model.inputs)} inputs; data holds one x.")
    split = held.held_out
    name, x, y = split if split else (*held.representative_source, None)
    record = manifest.model.inputs[0]
    x = fit_shape(x, record.shape, f"{held.path}: x of {name}")[:samples]
    q = quantize_input(x, manifest.preprocess, record.scale or 1.0, record.zero_point or 0, record.dtype)
    return [row.tobytes() for row in q], None if y is None else y[:samples]
