"""Masks of fixed sparsity that move while a model trains: how sparse each layer is, and where its weights go next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def layer_densities(shapes: Sequence[tuple[int, ...]], sparsity: float, distribution: str) -> list[float]:
    """The share of weights that each kernel [..., in, out] keeps; over all kernels it is 1 - sparsity.

    "uniform": the same everywhere. "erdos_renyi": in proportion to (sum of the kernel's sides) / (their product), as
    Evci et al. 2020 do with convolutions (ERK); a kernel that would have more than all its weights is left dense, and
    the others share the rest.
    """
    if distribution == "uniform":
        return [1.0 - sparsity] * len(shapes)
    sizes = np.array([np.prod(shape) for shape in shapes], float)
    raw = np.array([sum(shape) for shape in shapes], float) / sizes
    dense = np.zeros(len(shapes), bool)
    while True:
        left = (1.0 - sparsity) * sizes.sum() - sizes[dense].sum()
        factor = max(left, 0.0) / max((raw * sizes)[~dense].sum(), 1e-30)
        over = ~dense & (factor * raw > 1.0)
        if not over.any():
            return [float(d) for d in np.where(dense, 1.0, factor * raw)]
        dense |= over


def first_mask(kernel: Array, density: float, random: np.random.Generator | None) -> Array:
    """The largest weights, or with a generator as many anywhere."""
    order = np.argsort(-np.abs(kernel), axis=None, kind="stable") if random is None else random.permutation(kernel.size)
    mask = np.zeros(kernel.size, np.float32)
    mask[order[: max(1, round(kernel.size * density))]] = 1.0
    return mask.reshape(kernel.shape)


def moved(mask: Array, kernel: Array, growth: Array, share: float) -> Array:
    """The mask of as many ones, where the `share` of least weights made place for those of the largest `growth`.

    Weights that leave may come back, as in RigL's own code; a tie is broken by place.
    """
    active = np.flatnonzero(mask)
    drop = min(int(share * len(active)), mask.size - len(active))
    by_size = active[np.argsort(np.abs(kernel).reshape(-1)[active], kind="stable")]
    new = np.zeros(mask.size, np.float32)
    new[by_size[drop:]] = 1.0
    free = np.flatnonzero(new == 0)
    new[free[np.argsort(-growth.reshape(-1)[free], kind="stable")[:drop]]] = 1.0
    return new.reshape(mask.shape)
