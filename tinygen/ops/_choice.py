"""Which layers store their weights compressed: where it saves flash, the code that reads them so included."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Literal

from .base import Kernel

Optimize = Literal["speed", "balanced", "size"]

#: The share of a layer's weights that has to be saved; with "speed" nothing is compressed, for the layer runs slower.
LEAST_SHARE: dict[str, float] = {"balanced": 0.25, "size": 0.0}
#: What goes from flash, at least on any core, with a dense kernel that no layer uses any more.
DENSE_BYTES = {"tg_matmul_s8": 320}
#: Bytes that a layer has to save besides: fewer are within what compilers make of one more argument.
LEAST_BYTES = 16


def choose_compressed(
    saved: Mapping[int, Mapping[Kernel, int]], dense_bytes: Mapping[int, int], calls: Mapping[int, str], optimize: str
) -> dict[int, Kernel]:
    """The layers that are worth it, by index, with their kernels.

    `saved` are the bytes that each variant saves of a layer of `dense_bytes`; `calls` the functions of all layers while
    none is compressed. Of all sets of variants, one is taken that saves most when the bytes of their functions are
    paid; each layer then has the best of the set.
    """
    if optimize not in LEAST_SHARE:
        return {}
    worth = {
        layer: {kernel: size for kernel, size in kernels.items() if _is_worth(size, dense_bytes[layer], optimize)}
        for layer, kernels in saved.items()
    }
    known = sorted({kernel for kernels in worth.values() for kernel in kernels}, key=lambda kernel: kernel.name)
    best: tuple[int, dict[int, Kernel]] = (0, {})
    for count in range(1, len(known) + 1):
        for chosen in combinations(known, count):
            total, layers = _with(chosen, worth, calls)
            if total > best[0]:
                best = total, layers
    return best[1]


def _is_worth(saved: int, dense: int, optimize: str) -> bool:
    return saved >= LEAST_BYTES and saved > LEAST_SHARE[optimize] * dense


def _with(
    chosen: tuple[Kernel, ...], worth: Mapping[int, Mapping[Kernel, int]], calls: Mapping[int, str]
) -> tuple[int, dict[int, Kernel]]:
    """(bytes saved in all, the layers) with these variants."""
    layers: dict[int, Kernel] = {}
    total = 0
    for layer, kernels in worth.items():
        able = [kernel for kernel in chosen if kernel in kernels]
        if able:
            layers[layer] = max(able, key=lambda kernel: kernels[kernel])
            total += kernels[layers[layer]]
    parts = dict(part for kernel in layers.values() for part in kernel.parts)
    kept = parts.keys() | {name for layer, name in calls.items() if layer not in layers}
    freed = sum(size for name, size in DENSE_BYTES.items() if name in calls.values() and name not in kept)
    return total - sum(parts.values()) + freed, layers
