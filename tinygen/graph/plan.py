"""Where every buffer of a model lies in the arena, and when it is alive."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal


@dataclass(frozen=True)
class Buffer:
    """Bytes that a layer writes: a tensor (all tensors that share its bytes are `tensors`) or a layer's scratch.

    It is alive from step `first_use` to step `last_use`, both included; step i is layer i, step -1 comes before the
    first layer and step len(layers) after the last. `offset` is its place in the arena.
    """

    kind: Literal["tensor", "scratch"]
    nbytes: int
    first_use: int
    last_use: int
    tensors: tuple[int, ...] = ()
    layer: int = -1
    alignment: int = 4
    offset: int = -1

    def overlaps_in_time(self, other: Buffer) -> bool:
        """Whether both are alive at some step."""
        return self.first_use <= other.last_use and other.first_use <= self.last_use


@dataclass(frozen=True)
class MemoryPlan:
    """The arena: `arena_bytes` with everything; `lower_bound_bytes` is the most that is ever alive of tensors alone.

    What stands above the lower bound is named: `scratch_bytes` at the peak and `padding_bytes` for alignment and gaps.
    In a checked build every buffer has `guard_bytes` before and after it, and the arena has as many at its end: all of
    these figures count them.
    """

    arena_bytes: int
    lower_bound_bytes: int
    scratch_bytes: int
    buffers: tuple[Buffer, ...]
    guard_bytes: int = 0

    @property
    def padding_bytes(self) -> int:
        """Arena bytes beyond tensors and scratch at their peak."""
        return self.arena_bytes - self.lower_bound_bytes - self.scratch_bytes

    @cached_property
    def _tensors(self) -> dict[int, int]:
        return {tensor: buffer.offset for buffer in self.buffers for tensor in buffer.tensors}

    @cached_property
    def _scratch(self) -> dict[int, int]:
        return {buffer.layer: buffer.offset for buffer in self.buffers if buffer.kind == "scratch"}

    def offset_of(self, tensor: int) -> int:
        """The arena offset of a tensor; KeyError where it is not in the arena."""
        return self._tensors[tensor]

    def scratch_of(self, layer: int) -> int:
        """The arena offset of a layer's scratch; KeyError where it has none."""
        return self._scratch[layer]
