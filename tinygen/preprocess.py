"""What happens to a real input before the model, and the exact arithmetic that the firmware does it with.

The arithmetic of a rendered `<model>_quantize`, every step in float32 and rounded to nearest:
1. y = (x - mean) / std, per last axis, where there is a mean or std;
2. t = y / scale;
3. r = t rounded half away from zero (C's roundf);
4. where not r > low: r = low; where r > high: r = high, with low and high the type's limits minus zero_point (so NaN
   gives the type's lowest value, not undefined behaviour);
5. q = (int)r + zero_point.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import BadInput
from .project import Preprocess

Array = npt.NDArray[Any]
Float32 = npt.NDArray[np.float32]


def normalize(x: Array, preprocess: Preprocess | None) -> Float32:
    """Step 1: real input to model input, float32; `x` may have leading batch dimensions."""
    y = np.asarray(x, np.float32)
    if preprocess is None:
        return y
    with np.errstate(over="ignore", invalid="ignore"):
        if preprocess.mean:
            y = np.asarray(y - np.asarray(preprocess.mean, np.float32), np.float32)
        if preprocess.std:
            y = np.asarray(y / np.asarray(preprocess.std, np.float32), np.float32)
    return y


def quantize_input(
    x: Array, preprocess: Preprocess | None, scale: float, zero_point: int, dtype: str = "int8"
) -> Array:
    """Steps 1 to 5: real input to the model's input of integer type `dtype`; a float32 input takes step 1 alone."""
    y = normalize(x, preprocess)
    if dtype == "float32":
        return y
    limits = np.iinfo(dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        t = np.asarray(y / np.float32(scale), np.float32)
        whole = np.trunc(t)
        r = np.where(np.abs(t - whole) >= np.float32(0.5), whole + np.copysign(np.float32(1), t), whole)
    low, high = np.float32(int(limits.min) - zero_point), np.float32(int(limits.max) - zero_point)
    r = np.where(r > low, r, low)
    r = np.where(r > high, high, r)
    return np.asarray(r.astype(np.int64) + zero_point).astype(dtype)


def dequantize(q: Array, scale: float, zero_point: int) -> Float32:
    """Quantized to real, float32: (q - zero_point) * scale."""
    return np.asarray((q.astype(np.int32) - zero_point).astype(np.float32) * np.float32(scale), np.float32)


def from_mean_std(mean: Sequence[float], std: Sequence[float], input_shape: Sequence[int]) -> Preprocess | None:
    """`[input]` mean and std as a Preprocess; None where they change nothing, BadInput where they do not fit."""
    channels = input_shape[-1]
    for name, values in (("mean", mean), ("std", std)):
        if len(values) not in (0, 1, channels):
            raise BadInput(
                f"input.{name} has {len(values)} values, the model's last axis {channels}.",
                f"Give 1 or {channels} values.",
            )
        if name == "std" and any(v == 0 or abs(v) > float(np.finfo(np.float32).max) for v in values):
            raise BadInput("input.std holds 0 or a value that float32 does not hold.", "It is divided by.")
    return simplified(np.asarray(mean or (0.0,), np.float64), np.asarray(std or (1.0,), np.float64))


def simplified(mean: Array, std: Array) -> Preprocess | None:
    """(x - mean) / std with one value where all are equal; None where it is the identity."""
    pair = [np.atleast_1d(np.asarray(a, np.float32)) for a in (mean, std)]
    short = [a[:1] if (a == a[0]).all() else a for a in pair]
    if (short[0] == 0).all() and (short[1] == 1).all():
        return None
    return Preprocess(mean=tuple(float(v) for v in short[0]), std=tuple(float(v) for v in short[1]))


def compose(first: Preprocess | None, mean: Array, std: Array) -> Preprocess | None:
    """`first`, then (x - mean) / std, as one: (x - (m1 + mean * s1)) / (s1 * std), formed in double."""
    m1 = np.asarray(first.mean or (0.0,), np.float64) if first else np.zeros(1)
    s1 = np.asarray(first.std or (1.0,), np.float64) if first else np.ones(1)
    return simplified(m1 + np.asarray(mean, np.float64) * s1, s1 * np.asarray(std, np.float64))


#: The metadata entry of a .tflite that keeps what happens before the model.
METADATA = "TINYGEN_PREPROCESS"


def to_metadata(preprocess: Preprocess) -> bytes:
    """The entry's content: JSON of mean and std."""
    return json.dumps(preprocess.model_dump(mode="json"), sort_keys=True).encode()


def from_metadata(content: bytes | None, input_shape: Sequence[int]) -> Preprocess | None:
    """What a .tflite says of its input; BadInput where the entry is damaged or does not fit the input."""
    if content is None:
        return None
    try:
        kept = Preprocess.model_validate_json(content)
    except ValueError as error:
        raise BadInput(f"The model's metadata {METADATA} is damaged.", "Quantize the model again.") from error
    return from_mean_std(kept.mean, kept.std, input_shape)
