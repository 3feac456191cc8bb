"""What a validation found: bits, the metric on the device, times, and how well the line did."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .dataset import Array
from .device.messages import Greeting
from .device.stream import Streamed
from .metric import score
from .project import LayerRecord, Manifest, TensorRecord
from .simulate import compare as diff
from .simulate.reference import Reference

ON_BOARD, IN_SIMULATOR = "measured on a board", "simulated"
_NO_LAYERS = "the firmware's build does not time its layers"


@dataclass(frozen=True)
class Measured:
    """What came over the line: who answered, the runs, how many requests were sent again."""

    port: str
    device: Greeting
    name: str
    version: str
    tinygen: str
    streamed: Streamed
    retries: int
    ticks_per_instruction: float | None = None


@dataclass(frozen=True)
class ValidationReport:
    """One validation. What could not be had is None, and `reasons` says why, by key.

    `latency` has unit, min, median, max and source; the unit is us or cycles on a board, in a simulator instructions,
    or ticks of its clock where nobody knows how many make an instruction. The layers' latency is in the same unit.
    `first_mismatch` has sample, output, index (flat), expected, got. `outputs` are the device's, a sample each.
    """

    board: str
    port: str
    device: dict[str, Any]
    reference: dict[str, Any]
    samples: int
    mismatched_samples: int
    max_abs_difference: float | int
    first_mismatch: dict[str, Any] | None
    metric: dict[str, Any] | None
    latency: dict[str, Any]
    layers: tuple[dict[str, Any], ...]
    retries: int
    resets: int
    disturbed: int
    runs: tuple[dict[str, str], ...]
    reasons: dict[str, str]
    outputs: tuple[bytes, ...]

    def json(self) -> dict[str, Any]:
        """The keys that other programs rely on, with plain values."""
        plain = {k: list(v) if isinstance(v, tuple) else v for k, v in vars(self).items() if k != "outputs"}
        return {"schema": "tinygen.validation/1", **plain}


def report_of(
    manifest: Manifest, measured: Measured, oracle: Reference, names: Sequence[str], y: Array | None
) -> ValidationReport:
    """Compares what the device computed with the reference's outputs, and sums up the times."""
    runs = measured.streamed.runs
    outputs = tuple(run.output for run in runs)
    records = manifest.model.outputs
    wrong = diff.mismatches(outputs, oracle.outputs)
    unit, scale = _unit(measured)
    times = [_rounded(run.ticks * scale, unit) for run in runs]
    layers = [run.layer_ticks for run in runs if run.layer_ticks]
    reasons = {} if layers else {"layers": _NO_LAYERS}
    if not oracle.exact:
        reasons["reference"] = "not TensorFlow Lite Micro's kernels: equal outputs are no proof of its bits"
    return ValidationReport(
        board=manifest.board,
        port=measured.port,
        device={
            "name": measured.name, "version": measured.version, "tinygen": measured.tinygen,
            "sha256": measured.device.sha256, "protocol": measured.device.version,
            "self_test": measured.device.self_test, "ticks_per_second": measured.device.ticks_per_second,
        },
        reference={"name": oracle.name, "version": oracle.version, "exact": oracle.exact},
        samples=len(runs),
        mismatched_samples=len(wrong),
        max_abs_difference=diff.max_abs_difference(outputs, oracle.outputs, records),
        first_mismatch=_first(wrong[0], outputs[wrong[0]], oracle.outputs[wrong[0]], records) if wrong else None,
        metric=None if y is None else score(outputs, records[0], y),
        latency={
            "unit": unit, "min": min(times), "median": _rounded(statistics.median(times), unit), "max": max(times),
            "source": IN_SIMULATOR if measured.device.simulated else ON_BOARD,
        },
        layers=tuple(_layers(manifest, layers, scale, unit)),
        retries=measured.retries,
        resets=measured.streamed.resets,
        disturbed=measured.streamed.disturbed,
        runs=tuple({"input": name, "output_crc32": diff.crc32(out)} for name, out in zip(names, outputs, strict=True)),
        reasons=reasons,
        outputs=outputs,
    )  # fmt: skip


def _first(sample: int, got: bytes, want: bytes, records: Sequence[TensorRecord]) -> dict[str, Any]:
    at = 0
    for number, record in enumerate(records):
        parts = [x[at : at + record.bytes] for x in (got, want)]
        at += record.bytes
        if parts[0] != parts[1]:
            found = diff.output_difference(sample, parts[0], parts[1], [record])
            return {
                "sample": sample, "output": number, "index": found.index, "expected": found.expected, "got": found.got,
            }  # fmt: skip
    return {"sample": sample, "output": None, "index": None, "expected": None, "got": None}


def _unit(measured: Measured) -> tuple[str, float]:
    """(unit, how many of it are a tick)."""
    if not measured.device.simulated:
        hz = measured.device.ticks_per_second
        return ("us", 1e6 / hz) if hz else ("cycles", 1.0)
    rate = measured.ticks_per_instruction
    return ("ticks", 1.0) if rate is None else ("instructions", 1 / rate)


def _rounded(value: float, unit: str) -> float | int:
    return round(value, 3) if unit == "us" else round(value)


def _layers(manifest: Manifest, ticks: list[tuple[int, ...]], scale: float, unit: str) -> list[dict[str, Any]]:
    """A layer's time is the median of those that were asked for; a view runs no code and has none."""

    def latency(layer: LayerRecord) -> float | int | None:
        timed = [row[layer.index] for row in ticks if layer.index < len(row)]
        return _rounded(statistics.median(timed) * scale, unit) if timed and layer.kernel != "view" else None

    return [
        {"name": layer.name, "op": layer.op, "macs": layer.macs, "latency": latency(layer)}
        for layer in manifest.plan.layers
    ]
