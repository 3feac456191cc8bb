"""What a run of a simulated program gives back."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LayerEvent:
    """A layer that ran: instructions since the layer before, and its output where the run was asked to keep it."""

    index: int
    instructions: int | None
    data: bytes


@dataclass(frozen=True)
class Fault:
    """A program that failed or ended before its request did. `where` is a function, `layers_done` a trace's count.

    `layer` is the index that a checked build itself names.
    """

    what: str
    where: str = ""
    layers_done: int | None = None
    layer: int | None = None

    def __str__(self) -> str:
        return f"{self.what} in {self.where}" if self.where else self.what


@dataclass(frozen=True)
class RunResult:
    """Outputs of every sample, in order; `instructions` and `stack_bytes` are None where the simulator cannot tell."""

    simulator: str
    outputs: tuple[bytes, ...]
    instructions: int | None
    instructions_reason: str
    stack_bytes: int | None
    layers: tuple[LayerEvent, ...]
    fault: Fault | None
