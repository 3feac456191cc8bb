"""Chooses the order of a model's layers that needs the least memory: branches may run one after the other.

1. What is alive after a set of layers has run does not depend on their order, so the search goes over sets of layers:
   from the empty set, always on from the set that was reached with the least memory, until all have run.
2. Sets that need as much as the file's own order are dropped; a chain of layers ends at once, for no order is better.
3. After LIMIT sets the search gives up, and a greedy order is tried: the layer next that leaves the least behind.

The order changes only where less memory is alive at the fullest step. It is the best there is unless the search gave
up; the same model always gets the same order. What reads a variable stays on its side of what assigns it.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..graph.ir import ITEM_BYTES, Graph, Op
from ..ops import operators
from ..ops.lowering import may_view

#: Sets of layers that the search looks at, and layers of a model that is searched at all.
LIMIT, MAX_LAYERS = 4000, 500


def least_memory_order(graph: Graph) -> Graph:
    """The graph in the order found; the same object where the file's own order is as good."""
    if len(graph.ops) > MAX_LAYERS or not _all_pure(graph):
        return graph
    steps = _Steps(graph)
    own = steps.peak(range(len(graph.ops)))
    if own <= steps.least:
        return graph
    order = steps.search(own)
    if order is None:
        order = steps.greedy()
    if not order or steps.peak(order) >= own:
        return graph
    return replace(graph, ops=tuple(graph.ops[i] for i in order))


def _all_pure(graph: Graph) -> bool:
    """Whether every layer only computes its outputs from its inputs."""
    touched = {i for op in graph.ops for i in (*op.inputs, *op.outputs) if i >= 0}
    return all(op.outputs for op in graph.ops) and all(graph.tensors[i].dtype in ITEM_BYTES for i in touched)


@dataclass
class _Buffer:
    """Bytes in the arena: `readers` is the set of the layers that read them, a bit a layer."""

    nbytes: int
    readers: int = 0
    leaves: bool = False


class _Variables:
    """Which layers must have run before one that reads or changes a variable."""

    def __init__(self, graph: Graph) -> None:
        self.held = graph.in_state
        self._read: dict[int, int] = {}
        self._changed: dict[int, int] = {}

    def before(self, number: int, op: Op) -> int:
        """The set of those layers for the next layer, number `number`, of the file's order."""
        waits = 0
        reads = {self.held[i].tensors[0] for i in op.inputs if i in self.held}
        changes = {self.held[i].tensors[0] for i in op.outputs if i in self.held}
        changes |= {
            self.held[op.inputs[i]].tensors[0] for i in operators()[op.kind].updates if op.inputs[i] in self.held
        }
        for variable in reads | changes:
            waits |= self._changed.get(variable, 0)
        for variable in changes:
            waits |= self._read.pop(variable, 0)
            self._changed[variable] = 1 << number
        for variable in reads - changes:
            self._read[variable] = self._read.get(variable, 0) | 1 << number
        return waits


class _Steps:
    """The layers as sets of bits: what each writes, reads and waits for."""

    def __init__(self, graph: Graph) -> None:
        root = {t: t for t in range(len(graph.tensors))}
        writer: dict[int, int] = {}
        buffers: dict[int, _Buffer] = {i: _Buffer(graph.tensors[i].nbytes) for i in graph.inputs}
        variables = _Variables(graph)
        self.writes: list[list[_Buffer]] = []
        self.reads: list[list[_Buffer]] = []
        self.waits: list[int] = []
        for number, op in enumerate(graph.ops):
            read = {i for i in op.inputs if i >= 0 and graph.tensors[i].data is None}
            self.waits.append(sum({1 << writer[i] for i in read if i in writer}) | variables.before(number, op))
            roots = sorted({root[i] for i in read if i not in variables.held})
            self.reads.append([buffers[i] for i in roots])
            for i in roots:
                buffers[i].readers |= 1 << number
            if may_view(graph, op):
                root[op.outputs[0]] = root[op.inputs[0]]
            else:
                buffers |= {i: _Buffer(graph.tensors[i].nbytes) for i in op.outputs if i not in variables.held}
            written = [] if may_view(graph, op) else [i for i in op.outputs if i not in variables.held]
            self.writes.append([buffers[i] for i in written])
            writer |= dict.fromkeys((i for i in op.outputs if i not in variables.held), number)
        for i in graph.outputs:
            buffers[root[i]].leaves = True
        self.inputs = [buffers[i] for i in graph.inputs]

    @property
    def count(self) -> int:
        """Number of layers."""
        return len(self.waits)

    @property
    def least(self) -> int:
        """What no order can go below: the inputs together, and each layer's inputs with its outputs."""
        steps = [sum(b.nbytes for b in (*reads, *writes)) for reads, writes in zip(self.reads, self.writes)]
        return max([*steps, sum(b.nbytes for b in self.inputs)], default=0)

    def start(self) -> int:
        """Bytes alive before the first layer for those after it: inputs that somebody reads."""
        return sum(b.nbytes for b in self.inputs if b.readers or b.leaves)

    def after(self, done: int, live: int, layer: int) -> tuple[int, int, int]:
        """(set, bytes alive, bytes alive meanwhile) once `layer` has run after the set `done`."""
        meanwhile = live + sum(b.nbytes for b in self.writes[layer])
        done |= 1 << layer
        freed = (b for b in (*self.reads[layer], *self.writes[layer]) if not (b.leaves or b.readers & ~done))
        return done, meanwhile - sum(b.nbytes for b in freed), meanwhile

    def ready(self, done: int) -> list[int]:
        """The layers that may run next."""
        return [i for i, waits in enumerate(self.waits) if not done >> i & 1 and not waits & ~done]

    def peak(self, order: Iterable[int]) -> int:
        """The most bytes ever alive in that order."""
        done, live = 0, self.start()
        most = sum(b.nbytes for b in self.inputs)
        for layer in order:
            done, live, meanwhile = self.after(done, live, layer)
            most = max(most, meanwhile)
        return most

    def search(self, own: int) -> list[int] | None:
        """The best order below `own` bytes, empty where there is none; None where the search gave up."""
        came: dict[int, tuple[int, int]] = {}
        queue = [
            (0, 0, 0, 0, self.start(), 0, -1)
        ]  # peak, minus the layers done, number, set, alive, set before, layer
        number = 0
        while queue and len(came) <= LIMIT:
            peak, minus, _, done, live, before, layer = heapq.heappop(queue)
            if done in came:
                continue
            came[done] = (before, layer)
            if -minus == self.count:
                return self._order(came, done)
            for i in self.ready(done):
                then, alive, meanwhile = self.after(done, live, i)
                number += 1
                if meanwhile < own and then not in came:
                    heapq.heappush(queue, (max(peak, meanwhile), minus - 1, number, then, alive, done, i))
        return None if queue else []

    @staticmethod
    def _order(came: dict[int, tuple[int, int]], done: int) -> list[int]:
        order = []
        while done:
            done, layer = came[done]
            order.append(layer)
        return order[::-1]

    def greedy(self) -> list[int]:
        """Always the layer that leaves the least behind, and of these the one that takes the least meanwhile."""
        order: list[int] = []
        done, live = 0, self.start()
        while len(order) < self.count:
            choices = [(*self.after(done, live, i)[1:], i) for i in self.ready(done)]
            _, _, layer = min(choices)
            done, live, _ = self.after(done, live, layer)
            order.append(layer)
        return order
