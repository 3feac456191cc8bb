"""Indices that a user gives to an Embedding are held to its words: TFLM's GATHER reads wherever they point."""

from __future__ import annotations

from typing import Any

from .draft import Draft

_SAME = frozenset({"CAST", "RESHAPE", "SQUEEZE", "EXPAND_DIMS"})


def hold_indices(draft: Draft) -> list[str]:
    """Every GATHER whose indices are an input of the model, perhaps of another type or shape."""
    writers = {int(t): op for op in draft.operators for t in op.outputs}
    operators: list[Any] = []
    for op in draft.operators:
        given = _given(draft, int(op.inputs[1]), writers) if draft.kind(op) == "GATHER" else None
        if given is not None:
            operators += _held(draft, op, given)
        operators.append(op)
    if len(operators) > len(draft.operators):
        draft.put(operators)
        draft.put(_read(draft))
    return []


def _given(draft: Draft, indices: int, writers: dict[int, Any]) -> int | None:
    """The int32 tensor to take: the input itself where it has the shape, past a CAST to float32 and back."""
    origin = indices
    while origin in writers and draft.kind(writers[origin]) in _SAME:
        origin = int(writers[origin].inputs[0])
    if origin not in [int(t) for t in draft.graph.inputs] or draft.dtype(indices) != "INT32":
        return None
    return origin if draft.dtype(origin) == "INT32" and draft.shape(origin) == draft.shape(indices) else indices


def _held(draft: Draft, gather: Any, indices: int) -> list[Any]:
    """Indices below 0 become 0, those beyond the last word the last."""
    done = []
    count = draft.shape(int(gather.inputs[0]))[gather.builtinOptions.axis]
    for kind, bound in (("MAXIMUM", 0), ("MINIMUM", count - 1)):
        name = f"{draft.name(int(gather.outputs[0]))}_{kind.lower()}"
        held = draft.tensor(name, draft.shape(indices), "INT32")
        limit = draft.tensor(f"{name}_of", (), "INT32", bound)
        done.append(draft.operator(kind, (indices, limit), (held,), "MaximumMinimumOptions"))
        indices = held
    gather.inputs[1] = indices
    return done


def _read(draft: Draft) -> list[Any]:
    """The operators without casts that nobody reads any more."""
    readers = draft.readers()
    kept = []
    for op in reversed(draft.operators):
        if draft.kind(op) == "CAST" and not readers[int(op.outputs[0])]:
            readers[int(op.inputs[0])] -= 1
        else:
            kept.append(op)
    return kept[::-1]
