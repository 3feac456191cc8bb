"""VAR_HANDLE: names a variable; resolved at import to a static buffer that `<model>_reset` gives its first values."""

from __future__ import annotations

from dataclasses import dataclass

from ..flatbuffer import Table
from ..graph.ir import Graph, Op
from .base import Operator, Shape, bad_layer


@dataclass(frozen=True)
class VarHandle:
    """VarHandleOptions: two handles of one name are one variable."""

    name: str


def read(options: Table) -> VarHandle:
    """VarHandleOptions; the container counts as a part of the name."""
    container, name = options.text(0), options.text(1)
    return VarHandle(f"{container}/{name}" if container else name)


def shapes(_graph: Graph, op: Op) -> tuple[Shape, ...]:
    """None: the importer takes the handle away."""
    raise bad_layer(op, "a handle outside of the model's variables")


OPERATOR = Operator(kind="VAR_HANDLE", resolver="AddVarHandle", read=read, shapes=shapes, inputs=(0, 0))
