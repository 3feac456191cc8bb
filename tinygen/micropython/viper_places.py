"""Where a layer's tensors lie for viper: in the arena, in the states behind it, or in a constant of its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..backends.constants import ITEM
from ..backends.states import members, state_fields
from ..graph.ir import Array, Graph, Op, Tensor
from ..graph.plan import MemoryPlan
from ..ops.base import In, Out
from ..ops.lowering import Layer
from .module import ARENA_ALIGN
from .viper_words import SIGN


@dataclass(frozen=True)
class Places:
    """Offsets in the arena: by tensor those in `states`, by member's name `starts`; `ready` lies behind them."""

    plan: MemoryPlan
    states: dict[int, int]
    starts: dict[str, int]
    ready: int

    def __call__(self, tensor: int) -> int:
        """The tensor's offset."""
        return self.states[tensor] if tensor in self.states else self.plan.offset_of(tensor)


def places(graph: Graph, plan: MemoryPlan) -> Places:
    """The states lie behind the plan as the native module's struct has them."""
    fields = state_fields(graph)
    starts, at = {}, _up(plan.arena_bytes, ARENA_ALIGN)
    for member in members(fields):
        at = _up(at, max(member.align, ITEM[member.ctype]))
        starts[member.name] = at
        at += member.count * ITEM[member.ctype]
    tensors = {tensor: starts[field.name] for field in fields for tensor in field.tensors}
    return Places(plan, tensors, starts, _up(at, 4))


def _up(n: int, align: int) -> int:
    return -(-n // align) * align


def turn_of(tensor: Tensor) -> int:
    """What a tensor's bytes are changed by (exclusive or) on their way into the arena."""
    return SIGN if tensor.dtype == "int8" else 0


@dataclass(frozen=True)
class Viewed:
    """A layer with its kernel's parameters and constants by name."""

    graph: Graph
    layer: Layer
    at: Places

    @property
    def op(self) -> Op:
        """The operator."""
        return self.layer.op

    @cached_property
    def params(self) -> dict[str, Any]:
        """The fields of the C kernel's struct."""
        return dict(self.layer.code.params) if self.layer.code else {}

    @cached_property
    def constants(self) -> dict[str, Array]:
        """What the kernel keeps."""
        return {c.name: c.data for c in self.layer.code.constants} if self.layer.code else {}

    @cached_property
    def args(self) -> tuple[Any, ...]:
        """The arguments of the C kernel."""
        return self.layer.code.args if self.layer.code else ()

    @property
    def ins(self) -> list[int]:
        """The inputs among the arguments, in order."""
        return [arg.index for arg in self.args if isinstance(arg, In)]

    @property
    def outs(self) -> list[int]:
        """The outputs among the arguments, in order."""
        return [arg.index for arg in self.args if isinstance(arg, Out)]

    def place(self, index: int = 0) -> int:
        """Where input `index` lies."""
        return self.at(self.op.inputs[index])

    def out(self, index: int = 0) -> int:
        """Where output `index` lies."""
        return self.at(self.op.outputs[index])

    def ends(self) -> dict[str, int]:
        """The places of the only input that the kernel reads and of its output."""
        return {"x": self.place(self.ins[0]), "y": self.out()}

    def is_constant(self, index: int) -> bool:
        """Whether input `index` is one."""
        return self.graph.input(self.op, index).data is not None

    def turned(self, index: int) -> bytes | None:
        """A constant input's bytes as they would lie in the arena."""
        tensor = self.graph.input(self.op, index)
        if tensor.data is None:
            return None
        raw = np.frombuffer(tensor.data.tobytes(), np.uint8)
        return (raw ^ turn_of(tensor)).tobytes()
