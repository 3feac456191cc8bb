"""Variables: read and assigned they are the same bytes in another place, and some layers change theirs as they run."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from .base import In, Kernel, LayerCode, Out, bad_layer


def emit_copy(graph: Graph, op: Op) -> LayerCode:
    """A copy; passes/states.py takes away those that are not needed."""
    return LayerCode("tg_copy", args=(In(), Out(), graph.output(op).nbytes))


COPY = Kernel("copy", "copy.h", emit_copy, dtypes=("int8", "uint8", "int16", "int32", "int64", "float32", "bool"))


def check_variable(graph: Graph, op: Op, *places: int) -> None:
    """Refuses inputs at `places` that are no variables, and a variable that the layer reads in another place too."""
    states = graph.in_state
    for place in places:
        state = states.get(op.inputs[place])
        if state is None:
            raise bad_layer(op, f"its input {place} is no variable")
        if sum(i in state.tensors for i in op.inputs) > 1:
            raise bad_layer(op, f"reads its variable {state.name!r} twice")
