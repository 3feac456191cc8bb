"""Holds a graph to its invariants: indices in range, every tensor written once and before it is read.

Variables are the exception: they hold something from the start, and ASSIGN_VARIABLE alone writes them.
"""

from __future__ import annotations

from ..errors import BadInput
from .ir import END_TYPES, ITEM_BYTES, Graph


def verify(graph: Graph) -> None:
    """Raises BadInput where the graph contradicts itself."""
    count = len(graph.tensors)
    for what, indices in (("input", graph.inputs), ("output", graph.outputs)):
        if not indices:
            raise BadInput(f"{graph.name}: the model has no {what}.")
        if len(indices) > 255:
            raise BadInput(f"{graph.name}: {len(indices)} {what}s are too many, at most 255.")
        if any(not 0 <= i < count for i in indices):
            raise BadInput(f"{graph.name}: an {what} is tensor {max(indices)} of {count}.")
        if len(set(indices)) != len(indices):
            raise BadInput(f"{graph.name}: a tensor is listed twice among the {what}s.")
        for tensor in (graph.tensors[i] for i in indices):
            if tensor.dtype not in END_TYPES:
                raise BadInput(f"Tensor {tensor.name!r}: {tensor.dtype} cannot be an {what} of firmware.")
    ready = set(graph.inputs)
    for i in graph.inputs:
        if graph.tensors[i].data is not None:
            raise BadInput(f"{graph.name}: input {graph.tensors[i].name!r} is a constant.")
    variables = graph.in_state
    if any(i in variables for i in (*graph.inputs, *graph.outputs)):
        raise BadInput(f"{graph.name}: a variable cannot be an input or output.")
    for op in graph.ops:
        for i in op.inputs:
            if i >= 0 and i not in ready and i not in variables and graph.tensors[i].data is None:
                raise BadInput(f"{op.name}: reads tensor {graph.tensors[i].name!r} before anything writes it.")
        for i in op.outputs:
            if i in variables:
                if op.kind != "ASSIGN_VARIABLE":
                    raise BadInput(f"{op.name}: writes the variable {graph.tensors[i].name!r} without an assignment.")
                continue
            if i in ready or graph.tensors[i].data is not None:
                raise BadInput(f"{op.name}: writes tensor {graph.tensors[i].name!r} a second time.")
            ready.add(i)
    for i in graph.outputs:
        if i not in ready:
            raise BadInput(f"{graph.name}: nothing writes output {graph.tensors[i].name!r}.")
    for i in sorted(ready | variables.keys()):
        tensor = graph.tensors[i]
        if tensor.dtype in ITEM_BYTES and any(n < 1 for n in tensor.shape):
            raise BadInput(f"Tensor {tensor.name!r}: shape {tensor.shape} has a dimension below 1; fix the batch to 1.")
