"""The variables of a streaming model as members of one static struct, and how a reset fills them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..graph.ir import Array, Graph
from ..ops.base import Constant
from .constants import C_TYPES, ITEM
from .templating import c_comment, c_identifier

#: Members start at a multiple of it, so that kernels may read words.
ALIGNMENT = 4


@dataclass(frozen=True)
class StateField:
    """One member. A reset fills it with the byte `fill`, or copies `initial` where its bytes are not all equal."""

    name: str
    comment: str
    ctype: str
    tensors: tuple[int, ...]
    initial: Array
    fill: int | None

    @property
    def count(self) -> int:
        """Number of elements."""
        return int(self.initial.size)


@dataclass(frozen=True)
class Member:
    """One array of the struct: a variable, or a guard zone, whose name no variable can have."""

    name: str
    ctype: str
    count: int
    align: int
    comment: str
    is_guard: bool = False


def state_fields(graph: Graph) -> tuple[StateField, ...]:
    """The members, widest type first; their names are unique and C's."""
    taken: set[str] = {"ready"}
    fields = []
    for state in graph.states:
        base = name = c_identifier(state.name, "state")[:40]
        while name in taken:
            name = f"{base}_{len(taken)}"
        taken.add(name)
        raw = state.initial.tobytes()
        fill = raw[0] if raw.count(raw[:1]) == len(raw) else None
        ctype = C_TYPES[graph.tensors[state.tensors[0]].dtype]
        shape = ",".join(str(n) for n in graph.tensors[state.tensors[0]].shape)
        fields.append(
            StateField(name, c_comment(f"[{shape}] {state.name}")[:80], ctype, state.tensors, state.initial, fill)
        )
    return tuple(sorted(fields, key=lambda f: -ITEM[f.ctype]))


def needs_start(fields: Sequence[StateField]) -> bool:
    """Whether zeroed memory is not what the model starts from, so that the first inference must fill it."""
    return any(field.fill != 0 for field in fields)


def first_values(graph: Graph) -> tuple[Constant, ...]:
    """What a reset copies from flash."""
    fields = [f for f in state_fields(graph) if f.fill is None]
    return tuple(Constant(f"state_{f.name}", f.ctype, f.initial) for f in fields)


def members(fields: Sequence[StateField], guard_bytes: int = 0) -> tuple[Member, ...]:
    """The struct's arrays in order; with `guard_bytes` a zone stands before the first variable and right after each."""
    found = [Member(f.name, f.ctype, f.count, ALIGNMENT, f.comment) for f in fields]
    if not guard_bytes or not found:
        return tuple(found)
    zones = [Member(f"guard_{i}_", "uint8_t", guard_bytes, 1, "canary", True) for i in range(len(found) + 1)]
    return (zones[0], *(member for pair in zip(found, zones[1:]) for member in pair))


def state_bytes(graph: Graph, guard_bytes: int = 0) -> int:
    """Bytes of the struct."""
    fields = state_fields(graph)
    end, widest = 0, 1
    for member in members(fields, guard_bytes):
        item = ITEM[member.ctype]
        end = _up(end, max(member.align, item)) + member.count * item
        widest = max(widest, item, member.align)
    if needs_start(fields):
        end = _up(end, ALIGNMENT) + ALIGNMENT
    return _up(end, widest)


def _up(n: int, align: int) -> int:
    return -(-n // align) * align
