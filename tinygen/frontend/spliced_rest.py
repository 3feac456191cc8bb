"""What nobody reads any more goes from a draft: operators, tensors, and the bytes of constants."""

from __future__ import annotations

from typing import Any

from .forms.draft import Draft


def drop_unused(draft: Draft) -> None:
    """Operators without a reader, then tensors and buffers that none names; who runs the model sees no difference."""
    _drop_operators(draft)
    graph, model = draft.graph, draft.model
    ends = [*map(int, graph.inputs), *map(int, graph.outputs)]
    named = {int(i) for op in draft.operators for i in (*op.inputs, *op.outputs) if i >= 0} | set(ends)
    places = {old: new for new, old in enumerate(sorted(named))}
    graph.tensors = [graph.tensors[old] for old in sorted(named)]
    for operator in draft.operators:
        operator.inputs = [places.get(int(i), -1) for i in operator.inputs]
        operator.outputs = [places[int(i)] for i in operator.outputs]
    graph.inputs, graph.outputs = ([places[int(i)] for i in part] for part in (graph.inputs, graph.outputs))
    for signature in model.signatureDefs or []:
        for entry in (*(signature.inputs or []), *(signature.outputs or [])):
            entry.tensorIndex = places[int(entry.tensorIndex)]
    _drop_buffers(model, graph)


def _drop_operators(draft: Draft) -> None:
    while True:
        read = draft.readers()
        kept = [op for op in draft.operators if any(read[int(i)] for i in op.outputs)]
        if len(kept) == len(draft.operators):
            return
        draft.put(kept)


def _drop_buffers(model: Any, graph: Any) -> None:
    """Buffer 0 is the empty one, by the format's rule."""
    entries = list(model.metadata or [])
    used = sorted({0} | {tensor.buffer for tensor in graph.tensors} | {entry.buffer for entry in entries})
    places = {old: new for new, old in enumerate(used)}
    model.buffers = [model.buffers[old] for old in used]
    for one in (*graph.tensors, *entries):
        one.buffer = places[one.buffer]
