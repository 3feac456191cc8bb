"""Chains of int8 operators that TFLM has in float alone become float islands: EXP, ADD and LOG of a softplus.

1. Every tensor that comes from one int8 tensor element by element belongs to that root (constants are one number each).
2. An operator that TFLM lacks in int8, or a choice between float tensors that was made in int8, is taken, with what it
   is made of, up to the root, and what is made of it.
3. They get float tensors, a DEQUANTIZE of the root before them and a QUANTIZE behind each tensor that others read.

Between them nothing is rounded to int8 any more. The ahead-of-time back end makes one table of the whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...graph.ir import Array
from ...ops._float_math import FLOAT_FUNCTIONS
from .draft import Draft
from .gelu import NOTE, gelu

#: Operators that TFLM runs in float32 alone, and one that it runs by its parts.
_LACKING = frozenset("EXP LOG SQRT SQUARE NEG SIN COS FLOOR CEIL ROUND FLOOR_DIV FLOOR_MOD GELU".split())
_TYPE_CHANGES = frozenset({"DEQUANTIZE", "QUANTIZE"})
_KINDS = _LACKING | _TYPE_CHANGES | FLOAT_FUNCTIONS.keys()


def float_chains(draft: Draft) -> list[str]:
    """Every chain around such an operator; says so where GELU is computed by its tanh form."""
    roots = _roots(draft)
    taken = _taken(draft, roots)
    if not taken:
        return []
    exact = [op for op in taken.values() if draft.kind(op) == "GELU" and not op.builtinOptions.approximate]
    _Chain(draft, taken).write()
    return [NOTE] if exact else []


def _roots(draft: Draft) -> dict[int, int]:
    """The int8 tensor that each output of an operator comes from, where it is one."""
    roots: dict[int, int] = {}
    for op in draft.operators:
        if draft.kind(op) not in _KINDS or len(op.outputs) != 1 or any(t < 0 for t in op.inputs):
            continue
        y = int(op.outputs[0])
        inputs = [int(t) for t in op.inputs]
        moving = [t for t in inputs if draft.data(t) is None]
        constants = [draft.data(t) for t in inputs if draft.data(t) is not None]
        found = {roots.get(t, t) for t in moving}
        alike = all(draft.shape(t) == draft.shape(y) for t in moving)
        if len(found) != 1 or not alike or any(not _one_number(c) for c in constants):
            continue
        root = found.pop()
        if draft.dtype(root) == "INT8" and draft.scale(root) is not None and draft.dtype(y):
            roots[y] = root
    return roots


def _one_number(data: Array | None) -> bool:
    return data is not None and data.size > 0 and bool((data == data.reshape(-1)[0]).all())


def _taken(draft: Draft, roots: dict[int, int]) -> dict[int, Any]:
    """The operators to rewrite, by the tensor that each writes."""
    members = [op for op in draft.operators if len(op.outputs) == 1 and int(op.outputs[0]) in roots]
    taken: dict[int, Any] = {}
    for op in members:  # what an operator that TFLM lacks is part of
        y = int(op.outputs[0])
        if _starts(draft, op, y) or any(int(t) in taken for t in op.inputs):
            taken[y] = op
    read = {int(t) for op in taken.values() for t in op.inputs}
    for op in reversed(members):  # and what these are made of
        if int(op.outputs[0]) in read:
            taken[int(op.outputs[0])] = op
            read |= {int(t) for t in op.inputs}
    return taken


def _starts(draft: Draft, op: Any, y: int) -> bool:
    """An operator that TFLM lacks in int8, or a choice among float tensors that was made in int8."""
    types = {draft.dtype(int(t)) for t in op.inputs}
    return (draft.kind(op) in _LACKING and "INT8" in types) or (draft.dtype(y) == "FLOAT32" and "BOOL" in types)


@dataclass
class _Chain:
    """The rewriting: `floats` are the float tensors in the place of int8 ones, `done` the operators written."""

    draft: Draft
    taken: dict[int, Any]
    floats: dict[int, int] = field(default_factory=dict)
    done: list[Any] = field(default_factory=list)

    def write(self) -> None:
        """Puts the operators, rewritten, where they stood."""
        outside = self._read_by_others()
        for op in self.draft.operators:
            if self._is_taken(op):
                self._rewrite(op, int(op.outputs[0]), outside)
            else:
                self.done.append(op)
        self.draft.put(self.done)

    def _read_by_others(self) -> set[int]:
        """The tensors that must be there for others; a DEQUANTIZE that they read stays beside its copy."""
        others = [op for op in self.draft.operators if not self._is_taken(op)]
        outside = {int(t) for op in others for t in op.inputs} | {int(t) for t in self.draft.graph.outputs}
        kept = (op for y, op in self.taken.items() if y in outside and self.draft.kind(op) == "DEQUANTIZE")
        return outside | {int(op.inputs[0]) for op in kept}

    def _rewrite(self, op: Any, y: int, outside: set[int]) -> None:
        inputs, dtype = [self._float(int(t)) for t in op.inputs], self.draft.dtype(y)
        if self.draft.kind(op) in _TYPE_CHANGES:
            self.floats[y] = inputs[0]
            if y in outside and dtype == "FLOAT32":
                self.done.append(op)
        else:
            self.floats[y] = y if dtype in ("FLOAT32", "BOOL") else self._like(y)
            self._computed(op, inputs, self.floats[y])
        if y in outside and dtype == "INT8":
            self.done.append(self.draft.operator("QUANTIZE", (self.floats[y],), (y,), "QuantizeOptions"))

    def _is_taken(self, op: Any) -> bool:
        return len(op.outputs) == 1 and int(op.outputs[0]) in self.taken

    def _computed(self, op: Any, inputs: list[int], y: int) -> None:
        if self.draft.kind(op) == "GELU":
            self.done += gelu(self.draft, inputs[0], y)
            return
        op.inputs, op.outputs = np.array(inputs, np.int32), np.array([y], np.int32)
        self.done.append(op)

    def _float(self, tensor: int) -> int:
        """The float tensor in the place of an operand."""
        data = self.draft.data(tensor)
        if tensor in self.floats or self.draft.dtype(tensor) in ("FLOAT32", "BOOL"):
            return self.floats.get(tensor, tensor)
        if data is not None:
            scale, zero_point = self.draft.scale(tensor) or (1.0, 0)
            real = (scale * (data.astype(np.float64) - zero_point)).astype(np.float32)
            shape, name = self.draft.shape(tensor), self.draft.name(tensor)
            self.floats[tensor] = self.draft.tensor(f"{name}_float", shape, "FLOAT32", real)
        else:
            self.floats[tensor] = self._like(tensor)
            made = self.draft.operator("DEQUANTIZE", (tensor,), (self.floats[tensor],), "DequantizeOptions")
            self.done.append(made)
        return self.floats[tensor]

    def _like(self, tensor: int) -> int:
        return self.draft.tensor(f"{self.draft.name(tensor)}_float", self.draft.shape(tensor), "FLOAT32")
