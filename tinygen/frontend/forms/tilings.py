"""TILE of dimensions of 1 as BROADCAST_TO: a RepeatVector is one."""

from __future__ import annotations

from .draft import Draft


def tiles_by_broadcasting(draft: Draft) -> list[str]:
    """Every TILE that repeats dimensions of 1 alone; the output's shape is known."""
    operators = draft.operators
    for i, op in enumerate(operators):
        if draft.kind(op) != "TILE":
            continue
        x, y = int(op.inputs[0]), int(op.outputs[0])
        before, after = draft.shape(x), draft.shape(y)
        if len(before) == len(after) and all(n in (1, m) for n, m in zip(before, after)):
            shape = draft.tensor(f"{draft.name(y)}_shape", (len(after),), "INT32", after)
            operators[i] = draft.operator("BROADCAST_TO", (x, shape), (y,), "BroadcastToOptions")
            draft.put(operators)
    return []
