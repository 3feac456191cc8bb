"""Which channels of a model must stay or go together, found by following them through its graph.

Every output channel of a layer with a kernel is a unit; so is every input channel of the model. Units flow through
the layers: they pass activations and pools, repeat through depthwise layers and Flatten, lie one after the other
behind a concatenation, and become one where branches are added. A unit that reaches what is not understood is kept.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ._channel_layers import MERGES, PRODUCERS, carried, kind, mixing_activation, other_layout

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Call:
    """One call of a layer: the tensors it reads, the unit of each of their channels, the unit of each it gives."""

    layer: Any
    inputs: tuple[Any, ...]
    sources: tuple[Array, ...]
    units: Array

    @property
    def produces(self) -> bool:
        """Whether its output channels are units of its own."""
        return kind(self.layer) in PRODUCERS


@dataclass(frozen=True)
class ChannelGraph:
    """The calls in order, how many units there are, and why some are kept."""

    calls: tuple[Call, ...]
    units: int
    kept: dict[int, str]

    def classes(self) -> dict[tuple[str, ...], Array]:
        """The units that may go, by the names of the layers that make them."""
        return {names: units for names, units in self._by_layers() if int(units[0]) not in self.kept}

    def protected(self) -> dict[str, str]:
        """Layers that make units which are kept, with the reason for the first of them."""
        found = [(names, self.kept.get(int(units[0]))) for names, units in self._by_layers()]
        return {name: why for names, why in found if why is not None for name in names}

    def _by_layers(self) -> list[tuple[tuple[str, ...], Array]]:
        makers: dict[int, list[str]] = {}
        for call in self.calls:
            for unit in call.units.tolist() if call.produces else ():
                makers.setdefault(unit, []).append(str(call.layer.name))
        found: dict[tuple[tuple[str, ...], bool], list[int]] = {}
        for unit, names in makers.items():
            found.setdefault((tuple(sorted(set(names))), unit in self.kept), []).append(unit)
        return [(names, np.array(sorted(units))) for (names, _), units in found.items()]


def read_channels(model: Any, skip: tuple[str, ...] = ()) -> ChannelGraph:
    """Follows the channels through a functional or sequential model; the units of the layers in `skip` are kept."""
    walk = _Walk(model, skip)
    for depth in sorted(model._nodes_by_depth, reverse=True):
        for node in model._nodes_by_depth[depth]:
            walk.call(node)
    for tensor in model.outputs:
        walk.keep(walk.units[id(tensor)], "it is the model's output")
    return walk.done()


class _Walk:
    """The state of one walk: `parent` is a union-find over units."""

    def __init__(self, model: Any, skip: tuple[str, ...]) -> None:
        nodes = [node for nodes in model._nodes_by_depth.values() for node in nodes]
        self.times = Counter(id(node.layer) for node in nodes)
        self.skip = skip
        self.parent: list[int] = []
        self.why: dict[int, str] = {}
        self.units: dict[int, Array] = {}
        self.calls: list[tuple[Any, tuple[Any, ...], tuple[Array, ...], Array]] = []

    def call(self, node: Any) -> None:
        layer, inputs = node.layer, tuple(node.keras_inputs)
        outputs = node.outputs if isinstance(node.outputs, (list, tuple)) else [node.outputs]
        sources = tuple(self.units[id(tensor)] for tensor in inputs)
        units, why = self.follow(layer, inputs, sources, outputs)
        for source in sources if why else ():
            self.keep(source, why)
        for tensor in outputs:
            self.units[id(tensor)] = units if units is not None else self.fresh(int(tensor.shape[-1] or 1), why)
        self.calls.append((layer, inputs, sources, self.units[id(outputs[0])]))

    def follow(self, layer: Any, inputs: Any, sources: Any, outputs: Any) -> tuple[Array | None, str]:
        """The output's units, or None and why they and the inputs' are kept."""
        name = kind(layer)
        if name == "InputLayer":
            return None, "it is the model's input"
        channels = int(outputs[0].shape[-1] or 1) if outputs[0].shape.rank else 1
        if self.times[id(layer)] > 1 and (layer.weights or name == "Reshape"):
            return None, f"{layer.name!r} is called more than once"
        if reason := other_layout(layer):
            return None, reason
        if name in PRODUCERS:
            skipped = "it is named in skip" if layer.name in self.skip else ""
            return self.fresh(channels, skipped or mixing_activation(layer)), ""
        if reason := mixing_activation(layer):
            return None, reason
        if name in MERGES and len({len(source) for source in sources}) == 1:
            for source in sources[1:]:
                self.join(sources[0], source)
            return sources[0], ""
        if name == "Concatenate" and layer.axis in (-1, outputs[0].shape.rank - 1):
            return np.concatenate(sources), ""
        shapes = [tuple(t.shape[1:]) for t in (*inputs, *outputs)]
        units = carried(layer, sources[0], *shapes) if len(shapes) == 2 else None
        return units, "" if units is not None else f"{layer.name!r} ({name}) is not followed"

    def fresh(self, n: int, why: str = "") -> Array:
        start = len(self.parent)
        self.parent += range(start, start + n)
        units = np.arange(start, start + n)
        self.keep(units, why)
        return units

    def keep(self, units: Array, why: str) -> None:
        for unit in units.tolist() if why else ():
            self.why.setdefault(self.root(unit), why)

    def root(self, unit: int) -> int:
        while self.parent[unit] != unit:
            self.parent[unit] = self.parent[self.parent[unit]]
            unit = self.parent[unit]
        return unit

    def join(self, ours: Array, theirs: Array) -> None:
        for a, b in zip(ours.tolist(), theirs.tolist(), strict=True):
            low, high = sorted((self.root(a), self.root(b)))
            self.parent[high] = low
            if high in self.why:
                self.why.setdefault(low, self.why[high])

    def done(self) -> ChannelGraph:
        """Units renumbered from 0 in the order of the graph."""
        roots = np.array([self.root(unit) for unit in range(len(self.parent))])
        numbers, of = np.unique(roots, return_inverse=True)
        calls = tuple(
            Call(layer, inputs, tuple(of[source] for source in sources), of[units])
            for layer, inputs, sources, units in self.calls
        )
        kept = {int(of[unit]): why for unit, why in self.why.items()}
        return ChannelGraph(calls, len(numbers), kept)
