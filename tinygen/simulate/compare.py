"""Compares what the firmware computed with the reference, byte for byte, and finds the first layer that differs."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..project import LayerRecord, TensorRecord
from .reference import Array
from .result import LayerEvent

_MOST = float(np.finfo(np.float64).max)


@dataclass(frozen=True)
class Mismatch:
    """The first difference: in the output of a layer, or of the model where no layer's shows it. `index` is flat."""

    sample: int
    layer: str | None
    op: str | None
    index: int
    expected: float | int | None
    got: float | int | None


@dataclass(frozen=True)
class LayerCost:
    """A layer with the instructions that one inference spent in it, None where they were not counted."""

    name: str
    op: str
    macs: int
    instructions: int | None


@dataclass(frozen=True)
class SimulationReport:
    """One simulation of a project. What could not be had is None, and `reasons` says why, by key.

    `outputs` are the firmware's, a sample each, several outputs one after the other; `metric` is the caller's.
    `mismatched_samples` is None where no comparison was asked for. Sizes in bytes. `checked` is a debug build, whose
    sizes and instructions count its guard zones. `forms` are those of a MicroPython module: which was run where, and
    how many of its outputs differ.
    """

    board: str
    simulator: str
    reference: dict[str, Any] | None
    samples: int
    mismatched_samples: int | None
    max_abs_difference: float | int | None
    first_mismatch: Mismatch | None
    instructions_per_inference: int | None
    layers: tuple[LayerCost, ...]
    flash_bytes: int | None
    weights_bytes: int | None
    code_bytes: int | None
    harness_bytes: int | None
    ram_bytes: int | None
    arena_bytes: int | None
    state_bytes: int | None
    static_bytes: int | None
    stack_bytes: int | None
    compiler: str
    compiler_version: str
    flags: tuple[str, ...]
    optimize: str
    runs: tuple[dict[str, str], ...]
    reasons: dict[str, str]
    outputs: tuple[bytes, ...]
    metric: Any = None
    checked: bool = False
    forms: tuple[dict[str, Any], ...] = ()

    def json(self) -> dict[str, Any]:
        """The keys that other programs rely on, with plain values."""
        plain = {k: v for k, v in vars(self).items() if k != "outputs"}
        plain["first_mismatch"] = None if self.first_mismatch is None else dict(vars(self.first_mismatch))
        plain["layers"] = [dict(vars(layer)) for layer in self.layers]
        plain["flags"] = list(self.flags)
        plain["runs"] = list(self.runs)
        plain["forms"] = list(self.forms)
        return {"schema": "tinygen.simulation/1", **plain}


def crc32(output: bytes) -> str:
    """zlib's CRC-32 as eight hexadecimal digits."""
    return f"{zlib.crc32(output):08x}"


def mismatches(outputs: Sequence[bytes], expected: Sequence[bytes]) -> list[int]:
    """The samples whose bytes differ, or are missing."""
    return [i for i, want in enumerate(expected) if i >= len(outputs) or outputs[i] != want]


def max_abs_difference(outputs: Sequence[bytes], expected: Sequence[bytes], tensors: Sequence[TensorRecord]) -> Any:
    """The largest difference of two output values, in the outputs' own unit; whole numbers for whole-number types."""
    largest: Any = 0
    for got, want in zip(outputs, expected, strict=False):
        if got == want:
            continue
        at = 0
        for tensor in tensors:
            a, b = (_values(x[at : at + tensor.bytes], tensor.dtype) for x in (got, want))
            at += tensor.bytes
            largest = max(largest, _largest(a, b))
    return largest


def first_difference(
    sample: int, layers: Sequence[LayerRecord], events: Sequence[LayerEvent], reference: dict[int, Array]
) -> Mismatch | None:
    """The first layer, in the order of execution, whose output is not the reference's; None where all are equal.

    A layer of several outputs has an event for each, in their order.
    """
    known = {layer.index: layer for layer in layers}
    outputs = {layer.index: iter(layer.tensors) for layer in layers}
    for event in events:
        layer = known.get(event.index)
        want = None if layer is None else reference.get(next(outputs[event.index], -1))
        if layer is None or want is None or len(event.data) != want.nbytes:
            continue
        found = _first(event.data, want.reshape(-1))
        if found is not None:
            index, expected, got = found
            return Mismatch(sample, layer.name, layer.op, index, expected, got)
    return None


def output_difference(sample: int, got: bytes, want: bytes, tensors: Sequence[TensorRecord]) -> Mismatch:
    """The first difference of two outputs of the model, where no layer's output shows it."""
    at = 0
    for tensor in tensors:
        found = _first(got[at : at + tensor.bytes], _values(want[at : at + tensor.bytes], tensor.dtype))
        if found is not None:
            return Mismatch(sample, None, None, *found)
        at += tensor.bytes
    return Mismatch(sample, None, None, 0, None, None)


def _first(data: bytes, want: npt.NDArray[Any]) -> tuple[int, Any, Any] | None:
    if data == want.tobytes():
        return None
    got = np.frombuffer(data[: len(data) // want.itemsize * want.itemsize], want.dtype)
    rows = zip(got.tobytes()[:], want.tobytes(), strict=False)
    byte = next((i for i, (a, b) in enumerate(rows) if a != b), len(got.tobytes()))
    index = min(byte // want.itemsize, len(want) - 1)
    return index, want[index].item(), got[index].item() if index < len(got) else None


def _values(data: bytes, dtype: str) -> npt.NDArray[Any]:
    kind = np.dtype(dtype).newbyteorder("<")
    return np.frombuffer(data[: len(data) // kind.itemsize * kind.itemsize], kind)


def _largest(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> Any:
    size = min(len(a), len(b))
    if not size:
        return 0
    if a.dtype.kind == "f":
        gap = np.abs(a[:size].astype(np.float64) - b[:size].astype(np.float64))
        return float(np.nan_to_num(gap, nan=_MOST, posinf=_MOST).max())
    return max(abs(int(x) - int(y)) for x, y in zip(a[:size], b[:size], strict=True))
