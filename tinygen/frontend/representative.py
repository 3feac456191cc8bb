"""The representative dataset: real samples in the model's own shape, after preprocessing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..dataset import DataSet, fit_shape
from ..preprocess import normalize
from ..project import Preprocess


def representative_samples(
    data: DataSet, input_shape: Sequence[int], preprocess: Preprocess | None, samples: int, seed: int
) -> npt.NDArray[np.float32]:
    """Model inputs to calibrate on, float32 [n, *input_shape[1:]]: chosen by `seed`, then normalized."""
    key, _ = data.representative_source
    chosen = fit_shape(data.representative(samples, seed), input_shape, f"{data.path}: {key}")
    return normalize(chosen, preprocess)
