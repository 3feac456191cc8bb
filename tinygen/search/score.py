"""One number for a trial: alpha * accuracy + beta * compression + gamma * speed, each from 0 to 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

FORMULA = "alpha * accuracy + beta * compression + gamma * speed"


@dataclass(frozen=True)
class Origin:
    """What a trial is compared with: the int8 firmware of the model that the search began with; None where unknown."""

    weights_bytes: int | None
    macs: int | None


def goodness(metric: str, value: float, y: Any) -> float:
    """Accuracy as it is; of a mean squared error the share of the targets' variance that is explained, 0 at least."""
    if metric != "mse":
        return value
    variance = float(np.var(np.asarray(y, np.float64)))
    return max(0.0, 1.0 - value / variance) if variance > 0 else 0.0


def saved(used: int, origin: int | None) -> float:
    """1 - used / origin from 0 to 1; 0 where the origin is not known."""
    return min(1.0, max(0.0, 1.0 - used / origin)) if origin else 0.0


def score(accuracy: float, weights_bytes: int, macs: int, origin: Origin, weights: tuple[float, float, float]) -> float:
    """The score that the search makes large: `accuracy` as of `goodness`, on the validation data.

    Compression and speed are the shares of weights in flash and of multiplications that the origin has and this has
    not; `weights` are alpha, beta and gamma.
    """
    parts = (accuracy, saved(weights_bytes, origin.weights_bytes), saved(macs, origin.macs))
    return sum(weight * part for weight, part in zip(weights, parts, strict=True))
