"""Representative data against what the model's own preprocessing says of its training data, and split against split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...dataset import DataSet
from ...finding import Finding

Array = npt.NDArray[Any]
#: Spread that normalized data has: standard deviation 1, or a width of 1 or 2. A factor of 255 is far outside.
_NARROWEST, _LEAST_STD, _MOST = 0.05, 0.02, 20.0
_SPLITS_APART = 8.0


def input_range(samples: Array, given: bool, layers: Sequence[str]) -> list[Finding]:
    """`samples` past all preprocessing, which is [input] mean and std where `given`, then `layers` of the model."""
    if not given and not layers:
        return []
    width = float(samples.max() - samples.min())
    std, mean = float(samples.std(dtype=np.float64)), float(samples.mean(dtype=np.float64))
    if width == 0 or (width >= _NARROWEST and _LEAST_STD <= std <= _MOST and abs(mean) <= _MOST):
        return []
    where = layers[0] if layers else ""
    origin = f"the model's {', '.join(layers)}" if layers else "[input] mean and std"
    text = (
        f"after {origin} the representative data has mean {mean:.3g} and standard deviation {std:.3g} "
        f"({samples.min():.3g} to {samples.max():.3g}), where normalized data lies within a few units of 0."
    )
    hint = (
        "Normalized twice: give the data as it was before." if std < 1 else "Give the data that the model was made for."
    )
    return [Finding("input-range", "warning", where, std, "standard deviation", text, hint)]


def split_findings(data: DataSet) -> list[Finding]:
    """Held-out samples of another scale than those that are calibrated on."""
    key, x = data.representative_source
    found = []
    for other in ("x_val", "x_test"):
        if other == key or other not in data.arrays:
            continue
        ours, theirs = (float(a.std(dtype=np.float64)) for a in (x, data.arrays[other]))
        if min(ours, theirs) <= 0 or max(ours, theirs) / min(ours, theirs) < _SPLITS_APART:
            continue
        ratio = theirs / ours
        text = f"{other} spreads {ratio:.3g} times as wide as {key}: one of the two is normalized, the other is not."
        found.append(Finding("splits-differ", "warning", "", ratio, "times", text, "Write both the same way."))
    return found
