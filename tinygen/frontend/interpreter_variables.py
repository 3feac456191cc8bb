"""Resource variables as an interpreter keeps them, by walking the subgraphs in the order in which TFLM prepares them.

1. VAR_HANDLE asks for a variable by container and name; the first that asks makes it (MicroResourceVariables::FindId
   in micro_resource_variable.cc; a container that the file leaves out fits any).
2. The first ASSIGN_VARIABLE whose handle stands in its own subgraph gives it its memory.
3. A reset fills that with the zero point. What CALL_ONCE assigned is not assigned again: its kernel runs once for an
   interpreter and has no reset.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..graph.ir import ITEM_BYTES, Variable
from ..ops import var_handle
from .subgraph import Node, Subgraph


@dataclass
class _Found:
    """A variable on the way: container None where the file leaves it out."""

    container: str | None
    shared: str
    name: str
    nbytes: int = 0
    is_comparable: bool = True


def interpreter_variables(prepared: Iterable[Subgraph], resolved: Subgraph) -> tuple[Variable, ...]:
    """The variables in the order of their numbers; `resolved` has the main subgraph's as states."""
    found: list[_Found] = []
    for subgraph in prepared:
        handles: dict[int, _Found] = {}
        for node in subgraph.nodes:
            if node.kind == "VAR_HANDLE" and node.outputs:
                handles[node.outputs[0]] = _of_handle(node, found)
            elif node.kind == "ASSIGN_VARIABLE" and len(node.inputs) == 2 and node.inputs[1] >= 0:
                value, variable = subgraph.tensors[node.inputs[1]], handles.get(node.inputs[0])
                if variable and not variable.nbytes and value.dtype in ITEM_BYTES:
                    variable.nbytes = value.nbytes
    restored = {state.name: _starts_as_reset(resolved, state.name) for state in resolved.states}
    return tuple(Variable(f.name, f.nbytes, restored.get(f.name, True), f.is_comparable) for f in found)


def _of_handle(node: Node, found: list[_Found]) -> _Found:
    options = node.options
    container = options.text(0) if options.present(0) else None
    wanted = _Found(container, options.text(1), var_handle.read(options).name)
    wanted.is_comparable = bool(options.present(1))
    for variable in found:
        if container is None or variable.container is None or container == variable.container:
            if variable.shared == wanted.shared and (container is None or variable.container is not None):
                return variable
            if container is not None and variable.container is None:
                wanted.is_comparable = False  # TFLM compares the name with a null pointer
    found.append(wanted)
    return wanted


def _starts_as_reset(resolved: Subgraph, name: str) -> bool:
    """Whether the variable's first values are those that TFLM's reset fills in."""
    for state in resolved.states:
        if state.name == name:
            quant = resolved.tensors[state.tensors[0]].quant
            fill = bytes([quant.zero_point & 0xFF if quant else 0])
            raw = state.initial.tobytes()
            if raw != fill * len(raw):
                return False
    return True
