"""SELECT as SELECT_V2, which broadcasts besides: where all shapes are one they choose alike."""

from __future__ import annotations

from .draft import Draft


def select_v2(draft: Draft) -> list[str]:
    """Every SELECT of equal shapes."""
    operators = draft.operators
    for i, op in enumerate(operators):
        if draft.kind(op) == "SELECT" and len({draft.shape(int(t)) for t in (*op.inputs, *op.outputs)}) == 1:
            operators[i] = draft.operator("SELECT_V2", op.inputs, op.outputs, "SelectV2Options")
            draft.put(operators)
    return []
