"""SPLIT_V without parts of no extent, which nobody can read: Keras's GRU with reset_after=False makes one."""

from __future__ import annotations

from .draft import Draft


def drop_empty_parts(draft: Draft) -> list[str]:
    """Every SPLIT_V with constant extents."""
    operators = draft.operators
    readers = draft.readers()
    for i, op in enumerate(operators):
        if draft.kind(op) != "SPLIT_V":
            continue
        kept = [int(t) for t in op.outputs if 0 not in draft.shape(int(t)) or readers[int(t)]]
        axis = draft.data(int(op.inputs[2]))
        if len(kept) == len(op.outputs) or not kept or axis is None:
            continue
        along = int(axis.reshape(-1)[0])
        extents = [draft.shape(t)[along] for t in kept]
        sizes = draft.tensor(f"{draft.name(kept[0])}_sizes", (len(kept),), "INT32", extents)
        inputs = (int(op.inputs[0]), sizes, int(op.inputs[2]))
        operators[i] = draft.operator("SPLIT_V", inputs, kept, "SplitVOptions", numSplits=len(kept))
        draft.put(operators)
    return []
