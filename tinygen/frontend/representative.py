"""The representative dataset: real samples in the model's own shape, after preprocessing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..dataset import DataSet
from ..errors import BadInput
from ..project import Preprocess
from .preprocess import normalize

Array = npt.NDArray[Any]


def fit_shape(x: Array, input_shape: Sequence[int], where: str) -> Array:
    """`x` as [n, *input_shape[1:]]: a missing channel axis of 1 is added, any other difference is BadInput."""
    wanted = tuple(input_shape[1:])
    if x.shape[1:] == wanted:
        return x
    if (*x.shape[1:], 1) == wanted or x.shape[1:] == (*wanted, 1):
        return x.reshape(len(x), *wanted)
    raise BadInput(
        f"{where}: samples have the shape {list(x.shape[1:])}, the model wants {list(wanted)}.", "Reshape the data to the model's input."
    )


def representative_samples(
    data: DataSet, input_shape: Sequence[int], preprocess: Preprocess | None, samples: int, seed: int
) -> npt.NDArray[np.float32]:
    """Model inputs to calibrate on, float32 [n, *input_shape[1:]]: chosen by `seed`, then normalized."""
    key, _ = data.representative_source
    chosen = fit_shape(data.representative(samples, seed), input_shape, f"{data.path}: {key}")
    return normalize(chosen, preprocess)
