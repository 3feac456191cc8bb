"""Which layers store their weights compressed: where it saves flash, the code that reads them so included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
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


@dataclass(frozen=True)
class Compressible:
    """A layer that may be compressed: its weights' tensor and their bytes, and the bytes that each variant saves."""

    weights: int
    dense_bytes: int
    saves: Mapping[Kernel, int]


def choose_compressed(
    found: Mapping[int, Compressible], calls: Mapping[int, str], optimize: Optimize
) -> dict[int, Kernel]:
    """The layers that are worth it, by index, with their kernels.

    `calls` are the functions of all layers while none is compressed. Of all sets of variants, one is taken that saves
    most when the bytes of their functions are paid; each layer then has the best of the set.
    """
    if optimize not in LEAST_SHARE:
        return {}
    worth = {index: replace(layer, saves=_worth(layer, optimize)) for index, layer in found.items()}
    known = sorted({kernel for layer in worth.values() for kernel in layer.saves}, key=lambda kernel: kernel.name)
    best: tuple[int, dict[int, Kernel]] = (0, {})
    for count in range(1, len(known) + 1):
        for chosen in combinations(known, count):
            total, layers = _with(chosen, worth, calls)
            if total > best[0]:
                best = total, layers
    return best[1]


def _worth(layer: Compressible, optimize: Optimize) -> dict[Kernel, int]:
    least = max(LEAST_BYTES, LEAST_SHARE[optimize] * layer.dense_bytes)
    return {kernel: saved for kernel, saved in layer.saves.items() if saved >= least}


def _with(
    chosen: tuple[Kernel, ...], worth: Mapping[int, Compressible], calls: Mapping[int, str]
) -> tuple[int, dict[int, Kernel]]:
    """(bytes saved in all, the layers) with these variants; weights that several layers read are saved once."""
    layers: dict[int, Kernel] = {}
    saved: dict[int, int] = {}
    for index, layer in worth.items():
        able = [kernel for kernel in chosen if kernel in layer.saves]
        if able:
            layers[index] = max(able, key=lambda kernel: layer.saves[kernel])
            saved[layer.weights] = layer.saves[layers[index]]
    parts = dict(part for kernel in layers.values() for part in kernel.parts)
    kept = parts.keys() | {name for layer, name in calls.items() if layer not in layers}
    freed = sum(size for name, size in DENSE_BYTES.items() if name in calls.values() and name not in kept)
    return sum(saved.values()) - sum(parts.values()) + freed, layers
