"""CONCATENATION of more tensors than TFLM puts side by side: ten at a time, then those together."""

from __future__ import annotations

from typing import Any

from ...ops.concatenation import MAX_INPUTS
from .draft import Draft


def concatenations_in_steps(draft: Draft) -> list[str]:
    """Every one; its operands have the output's scale already."""
    operators: list[Any] = []
    for op in draft.operators:
        if draft.kind(op) == "CONCATENATION" and not op.builtinOptions.fusedActivationFunction:
            operators += _steps(draft, op)
        operators.append(op)
    if len(operators) > len(draft.operators):
        draft.put(operators)
    return []


def _steps(draft: Draft, op: Any) -> list[Any]:
    """The steps before the last, which is the operator itself."""
    done: list[Any] = []
    y, axis = int(op.outputs[0]), op.builtinOptions.axis % len(draft.shape(int(op.outputs[0])))
    while len(op.inputs) > MAX_INPUTS:
        inputs = [int(t) for t in op.inputs]
        joined = []
        for start in range(0, len(inputs), MAX_INPUTS):
            part = inputs[start : start + MAX_INPUTS]
            shape = list(draft.shape(y))
            shape[axis] = sum(draft.shape(t)[axis] for t in part)
            to = draft.tensor(f"{draft.name(y)}_{len(done)}", shape, draft.dtype(y), like=y)
            done.append(draft.operator("CONCATENATION", part, (to,), "ConcatenationOptions", axis=axis))
            joined.append(to)
        op.inputs = joined
    return done
