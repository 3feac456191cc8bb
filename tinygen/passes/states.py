"""Variables without copies: read where they lie, and written where they lie, if nobody sees the difference.

A variable read into a tensor is read in place where the tensor's last reader runs before the next value is assigned.
A value is computed in place where nothing looks at the variable from the layer that computes it (that one included) to
the assignment, and where the value's last reader runs before another one is assigned. Tensors that are views of other
tensors, or have views, inputs, outputs and constants keep their copies.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..graph.ir import Graph, Op, State
from .rewrite import VIEWS


def use_states_in_place(graph: Graph) -> Graph:
    """The graph without the reads and assignments that need not be there."""
    for kind, may in (("READ_VARIABLE", _reads_in_place), ("ASSIGN_VARIABLE", _computes_in_place)):
        for op in tuple(graph.ops):
            if op.kind == kind and may(graph, op):
                tensor = op.outputs[0] if kind == "READ_VARIABLE" else op.inputs[0]
                variable = op.inputs[0] if kind == "READ_VARIABLE" else op.outputs[0]
                states = tuple(_joined(state, variable, tensor) for state in graph.states)
                graph = replace(graph, states=states, ops=tuple(o for o in graph.ops if o is not op))
    return graph


def _joined(state: State, variable: int, tensor: int) -> State:
    return replace(state, tensors=(*state.tensors, tensor)) if variable in state.tensors else state


def _reads_in_place(graph: Graph, op: Op) -> bool:
    variable, tensor = op.inputs[0], op.outputs[0]
    read, ops = graph.ops.index(op), graph.ops
    if not _may_move(graph, tensor):
        return False
    write = next((i for i in range(read, len(ops)) if variable in ops[i].outputs), len(ops))
    return all(i < write for i in _readers(ops, tensor))


def _computes_in_place(graph: Graph, op: Op) -> bool:
    variable, value = op.outputs[0], op.inputs[0]
    assign, ops = graph.ops.index(op), graph.ops
    made = next((i for i in range(assign) if value in ops[i].outputs), None)
    if made is None or not _may_move(graph, value) or ops[made].kind in VIEWS or ops[made].kind == "READ_VARIABLE":
        return False
    held = next(set(state.tensors) for state in graph.states if variable in state.tensors)
    if any(held.intersection((*ops[i].inputs, *ops[i].outputs)) for i in range(made, assign)):
        return False
    write = next((i for i in range(assign + 1, len(ops)) if held.intersection(ops[i].outputs)), len(ops))
    return all(i < write for i in _readers(ops, value))


def _may_move(graph: Graph, tensor: int) -> bool:
    """Whether the tensor is nothing but a value between layers that no view shares."""
    if tensor in graph.inputs or tensor in graph.outputs or tensor in graph.in_state:
        return False
    return graph.tensors[tensor].data is None and all(
        graph.ops[i].kind not in VIEWS for i in _readers(graph.ops, tensor)
    )


def _readers(ops: Iterable[Op], tensor: int) -> list[int]:
    return [i for i, op in enumerate(ops) if tensor in op.inputs]
