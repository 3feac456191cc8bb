"""A subgraph as a .tflite lists it: tensors and nodes, before the operators' table has read the nodes' options."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import BadInput
from ..flatbuffer import Table
from ..graph.ir import State, Tensor

#: No microcontroller has room for more (see importer.py); ends are those of one operator or of the model.
MAX_OPERATORS, MAX_OPERANDS, MAX_ENDS = 4_096, 50_000, 1_024
#: A table without fields: every option at its default.
_NO_OPTIONS = Table(b"\x04\x00\x04\x00\x04\x00\x00\x00", 4)


@dataclass(frozen=True)
class Node:
    """One operator of the file; `inputs` and `outputs` index the subgraph's tensors, -1 is an input left out.

    Options whose type is NONE (`options_code` 0) are not there, as TFLite Micro takes it: every one is at its default.
    """

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Table
    options_code: int


@dataclass(frozen=True)
class Subgraph:
    """Tensors and nodes in the file's order; `states` are variables that were found in it."""

    tensors: tuple[Tensor, ...]
    nodes: tuple[Node, ...]
    states: tuple[State, ...] = ()


def read_nodes(subgraph: Table, codes: list[str], tensors: int) -> tuple[Node, ...]:
    """The nodes of a subgraph of so many tensors; `codes` are the model's operator names. BadInput for bad indices."""
    nodes: list[Node] = []
    operands = 0
    for table in subgraph.tables(3, MAX_OPERATORS):
        nodes.append(_node(table, codes, tensors))
        operands += len(nodes[-1].inputs) + len(nodes[-1].outputs)
        if operands > MAX_OPERANDS:
            raise BadInput(f"More than {MAX_OPERANDS} operands in the first {len(nodes)} operators.")
    return tuple(nodes)


def _node(table: Table, codes: list[str], tensors: int) -> Node:
    number = table.uint32(0)
    if number >= len(codes):
        raise BadInput(f"An operator has code {number}, the model lists {len(codes)}.")
    inputs, outputs = table.ints(1, MAX_ENDS), table.ints(2, MAX_ENDS)
    if any(not 0 <= i < tensors for i in outputs) or any(not -1 <= i < tensors for i in inputs):
        raise BadInput(f"A {codes[number]} operator names tensors that the model does not have.")
    code = table.uint8(3)
    options = table.table(4) if code else None
    return Node(codes[number], inputs, outputs, options or _NO_OPTIONS, code)
