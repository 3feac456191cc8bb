"""Variables of a streaming model become states: handles are resolved, code that runs once gives the first values.

1. VAR_HANDLE names a variable; equal names are one variable, in whatever subgraph they stand.
2. A variable has the type and size of the first value that is assigned to it, and holds that value's zero point, in
   every byte, until something is assigned: TFLM fills it so.
3. CALL_ONCE runs a subgraph before the first inference. It may assign constants, and nothing else: they are what the
   variable holds after a reset.
4. READ_VARIABLE and ASSIGN_VARIABLE then name the variable's tensor in place of the handle.

Tensors that the file marks as variable (the memory of SVDF and LSTM layers) are states as they stand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..errors import BadInput
from ..graph.ir import Array, State, Tensor, constant
from ..ops import call_once, var_handle
from .subgraph import Node, Subgraph

MAX_STATE_BYTES = 1 << 24
_NUMPY = {"int8": "i1", "uint8": "u1", "int16": "<i2", "int32": "<i4", "int64": "<i8", "float32": "<f4", "bool": "?"}


@dataclass(frozen=True)
class _Use:
    """A variable read or assigned: `tensor` is what it is read into, or the value."""

    variable: str
    tensor: int


def resolve_variables(main: Subgraph, called: Callable[[int], Subgraph], marked: tuple[int, ...]) -> Subgraph:
    """The main subgraph with its variables as states; `called` gives another subgraph of the file by its number.

    `marked` are the tensors that the file marks as variable. Raises BadInput where a variable is used in a way whose
    outcome is not known ahead of time.
    """
    uses, first_values, once = _walk(main, called)
    tensors = list(main.tensors)
    states = list(marked_states(main, marked).states)
    place: dict[str, int] = {}
    for use in uses.values():
        if use.variable not in place:
            value = first_values.get(use.variable)
            if value is None:
                raise BadInput(f"Variable {use.variable!r} is read, and nothing is ever assigned to it.")
            place[use.variable] = len(tensors)
            states.append(State(use.variable, (len(tensors),), _first_content(value, once.get(use.variable))))
            tensors.append(replace(value, name=use.variable, data=None))
        _check_fit(use, tensors[use.tensor], tensors[place[use.variable]])
    nodes = []
    for number, node in enumerate(main.nodes):
        if number in uses:
            variable = place[uses[number].variable]
            reads = node.kind == "READ_VARIABLE"
            ends = ((variable,), node.outputs) if reads else (node.inputs[1:], (variable,))
            node = replace(node, inputs=ends[0], outputs=ends[1])
        if node.kind not in ("VAR_HANDLE", "CALL_ONCE"):
            nodes.append(node)
    if sum(tensors[state.tensors[0]].nbytes for state in states) > MAX_STATE_BYTES:
        raise BadInput("The model's variables are too large for a microcontroller.")
    return Subgraph(tuple(tensors), tuple(nodes), tuple(states))


def marked_states(main: Subgraph, marked: tuple[int, ...]) -> Subgraph:
    """The subgraph with the tensors that the file marks as variable as states; handles stay what they are."""
    return replace(main, states=tuple(_marked_state(main.tensors[i], i) for i in marked))


def _walk(
    main: Subgraph, called: Callable[[int], Subgraph]
) -> tuple[dict[int, _Use], dict[str, Tensor], dict[str, Tensor]]:
    """(uses by number of the node, the first value assigned to each variable, the constants assigned once)."""
    handles: dict[int, str] = {}
    uses: dict[int, _Use] = {}
    values: dict[str, Tensor] = {}
    once: dict[str, Tensor] = {}
    ran: set[int] = set()
    for number, node in enumerate(main.nodes):
        if node.kind == "VAR_HANDLE":
            handles |= _handle(node)
        elif node.kind == "CALL_ONCE":
            if uses:
                raise BadInput("CALL_ONCE runs after a variable was used; its values are not known ahead of time.")
            number_called = call_once.read(node.options).subgraph
            once |= {} if number_called in ran else _assigned_once(called(number_called))
            ran.add(number_called)
        elif node.kind in ("READ_VARIABLE", "ASSIGN_VARIABLE"):
            uses[number] = _use(node, handles)
            if node.kind == "ASSIGN_VARIABLE":
                values.setdefault(uses[number].variable, main.tensors[uses[number].tensor])
    return uses, once | values, once


def _handle(node: Node) -> dict[int, str]:
    if len(node.outputs) != 1:
        raise BadInput(f"VAR_HANDLE has {len(node.outputs)} outputs, not 1.")
    return {node.outputs[0]: var_handle.read(node.options).name}


def _use(node: Node, handles: dict[int, str]) -> _Use:
    reads = node.kind == "READ_VARIABLE"
    if len(node.inputs) != (1 if reads else 2) or len(node.outputs) != (1 if reads else 0) or -1 in node.inputs:
        raise BadInput(f"{node.kind} has {len(node.inputs)} inputs and {len(node.outputs)} outputs.")
    if node.inputs[0] not in handles:
        raise BadInput(f"{node.kind} names a variable that no VAR_HANDLE before it gives.")
    return _Use(handles[node.inputs[0]], node.outputs[0] if reads else node.inputs[1])


def _assigned_once(graph: Subgraph) -> dict[str, Tensor]:
    """The constants that a subgraph assigns, by variable."""
    handles: dict[int, str] = {}
    found: dict[str, Tensor] = {}
    for node in graph.nodes:
        if node.kind == "VAR_HANDLE":
            handles |= _handle(node)
            continue
        if node.kind != "ASSIGN_VARIABLE":
            raise BadInput(
                f"CALL_ONCE runs {node.kind}: only variables that constants are assigned to have a known start.",
                "Initialise the variables with constants.",
            )
        use = _use(node, handles)
        value = graph.tensors[use.tensor]
        if value.data is None:
            raise BadInput(f"CALL_ONCE assigns something to {use.variable!r} that is no constant.")
        found[use.variable] = value
    return found


def _check_fit(use: _Use, tensor: Tensor, variable: Tensor) -> None:
    if tensor.dtype not in _NUMPY or (tensor.dtype, tensor.nbytes) != (variable.dtype, variable.nbytes):
        raise BadInput(
            f"Variable {use.variable!r} holds {variable.dtype} {variable.shape}, tensor {tensor.name!r} is "
            f"{tensor.dtype} {tensor.shape}."
        )


def _first_content(value: Tensor, once: Tensor | None) -> Array:
    if value.dtype not in _NUMPY:
        raise BadInput(f"A variable of type {value.dtype} is not supported.")
    if once is not None:
        if (once.dtype, once.nbytes) != (value.dtype, value.nbytes):
            raise BadInput(f"A variable of {value.dtype} {value.shape} starts as {once.dtype} {once.shape}.")
        return constant(once)
    zero = value.quant.zero_point & 0xFF if value.quant else 0
    return _filled(value, zero)


def _marked_state(tensor: Tensor, index: int) -> State:
    if tensor.dtype not in _NUMPY or tensor.dtype == "bool":
        raise BadInput(f"Tensor {tensor.name!r}: a variable of type {tensor.dtype} is not supported.")
    zero = tensor.quant.zero_point & 0xFF if tensor.quant and tensor.dtype == "int8" else 0
    return State(tensor.name, (index,), _filled(tensor, zero))


def _filled(tensor: Tensor, byte: int) -> Array:
    """The content of a variable whose every byte is `byte`."""
    if tensor.nbytes > MAX_STATE_BYTES:
        raise BadInput(f"Tensor {tensor.name!r}: {tensor.nbytes} bytes are too many for a variable.")
    return np.frombuffer(bytes([byte]) * tensor.nbytes, _NUMPY[tensor.dtype]).reshape(tensor.shape)
