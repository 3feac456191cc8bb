"""CALL_ONCE: what runs before the first inference; the constants that it assigns are what a reset restores."""

from __future__ import annotations

from dataclasses import dataclass

from ..flatbuffer import Table
from ..graph.ir import Graph, Op
from .base import Operator, Shape, bad_layer


@dataclass(frozen=True)
class CallOnce:
    """CallOnceOptions: the subgraph that runs."""

    subgraph: int


def read(options: Table) -> CallOnce:
    """CallOnceOptions."""
    return CallOnce(options.int32(0))


def shapes(_graph: Graph, op: Op) -> tuple[Shape, ...]:
    """None: the importer takes the call away."""
    raise bad_layer(op, "a call outside of the model's start")


OPERATOR = Operator(kind="CALL_ONCE", resolver="AddCallOnce", read=read, shapes=shapes, inputs=(0, 0))
