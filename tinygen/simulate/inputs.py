"""The inputs that every run can make again: the ramp, then seeded random numbers, in the types that a model takes.

Run 0 is x[i] = ((37 i + 11) mod 256) - 128; run r is numpy.random.default_rng(r).integers(-128, 128, n, dtype="int8"),
over all elements of all inputs in order. Types other than int8 take the same numbers v:
uint8 and bool the same byte (bool its lowest bit), int16 256 v, int32 and int64 v, float32 v / 128.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..errors import BadInput
from ..project import TensorRecord


def generated(inputs: Sequence[TensorRecord], run: int) -> bytes:
    """The inputs of run `run`, in memory order, one input after the other. Raises BadInput for an unknown type."""
    total = sum(math.prod(t.shape) for t in inputs)
    if run == 0:
        values = (((37 * np.arange(total) + 11) % 256) - 128).astype(np.int8)
    else:
        values = np.random.default_rng(run).integers(-128, 128, total, dtype="int8")
    out = []
    at = 0
    for tensor in inputs:
        size = math.prod(tensor.shape)
        out.append(_as_type(values[at : at + size], tensor))
        at += size
    return b"".join(out)


def _as_type(values: npt.NDArray[np.int8], tensor: TensorRecord) -> bytes:
    if tensor.dtype in ("int8", "uint8"):
        return values.tobytes()
    if tensor.dtype == "bool":
        return bytes((values & 1).tobytes())
    if tensor.dtype == "int16":
        return bytes((values.astype("<i2") * 256).astype("<i2").tobytes())
    if tensor.dtype in ("int32", "int64"):
        return values.astype("<i4" if tensor.dtype == "int32" else "<i8").tobytes()
    if tensor.dtype == "float32":
        return bytes((values.astype("<f4") / np.float32(128)).astype("<f4").tobytes())
    raise BadInput(f"{tensor.name}: no generated input of type {tensor.dtype}.", "--data gives inputs of one's own.")


def check_samples(inputs: Sequence[TensorRecord], samples: Sequence[bytes]) -> None:
    """Raises BadInput where a sample has not exactly the bytes of the model's inputs."""
    need = sum(t.bytes for t in inputs)
    for i, sample in enumerate(samples):
        if len(sample) != need:
            raise BadInput(f"sample {i}: {len(sample)} bytes, the model's inputs take {need}.")
    if not samples:
        raise BadInput("No samples: a simulation needs at least one.")
