"""The guard zones of a checked build as rows of a C table: where each lies, and while which layers it must hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..graph.ir import Graph
from ..graph.plan import Buffer, MemoryPlan
from ..ops.lowering import Layer
from .states import members, state_fields
from .templating import c_comment


@dataclass(frozen=True)
class GuardRow:
    """One zone: `at` is C's expression for its first byte; painted before layer `first`, verified to layer `last`."""

    at: str
    first: int
    last: int
    comment: str


def guard_rows(graph: Graph, layers: Sequence[Layer], plan: MemoryPlan, model: str) -> tuple[GuardRow, ...]:
    """The zones around every buffer, at the arena's end, and in the states' struct; none in an ordinary build.

    Views run no code: what comes to life with one, or before the first layer, is painted by the next layer that does.
    """
    if not plan.guard_bytes:
        return ()
    running = [layer.index for layer in layers if not layer.is_view]
    end = len(layers)
    rows: list[GuardRow] = []
    for buffer in sorted(plan.buffers, key=lambda b: (b.first_use, b.offset)):
        first = next((i for i in running if i >= buffer.first_use), end)
        if first <= buffer.last_use:
            rows += _around(buffer, plan.guard_bytes, first, c_comment(_name(graph, layers, buffer))[:80])
    always = (running[0] if running else 0, end)
    rows.append(GuardRow(_at(plan.arena_bytes - plan.guard_bytes), *always, "at the arena's end"))
    state = [m for m in members(state_fields(graph), plan.guard_bytes) if m.is_guard]
    rows += [GuardRow(f"{model}_state.{zone.name}", *always, "in the state") for zone in state]
    return tuple(rows)


def _around(buffer: Buffer, zone: int, first: int, name: str) -> Iterator[GuardRow]:
    yield GuardRow(_at(buffer.offset - zone), first, buffer.last_use, f"before {name}")
    yield GuardRow(_at(buffer.offset + buffer.nbytes), first, buffer.last_use, f"after {name}")


def _at(offset: int) -> str:
    return f"AT(uint8_t, {offset})"


def _name(graph: Graph, layers: Sequence[Layer], buffer: Buffer) -> str:
    if buffer.kind == "scratch":
        return f"the scratch of {layers[buffer.layer].op.name}"
    given = next((i for i, t in enumerate(graph.inputs) if t in buffer.tensors), None)
    return f"input {given}" if given is not None else f"the output of {layers[buffer.first_use].op.name}"
