"""Two conversions of one model, int8 and int16x8, made into one: some operators have int16 activations, the rest int8.

In the worker. The chosen operators and their constants come from the int16x8 file; where their tensors meet int8 ones
QUANTIZE stands, which TensorFlow Lite Micro has in both directions. Both files have the same float model behind them,
so that operators match by their order, kind and output shapes; where they do not, the model is refused.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import BadInput
from .forms.draft import Draft, open_draft
from .spliced_rest import drop_unused

_REMEDY = "Take --precision int8 or int16x8 for the whole model."


def splice_job(request: dict[str, Any], _progress: Callable[[str], None]) -> dict[str, Any]:
    """Writes a file for each set of operators in "chosen" into "folder"."""
    narrow, wide = (Path(request[key]).read_bytes() for key in ("int8", "int16x8"))
    for i, chosen in enumerate(request["chosen"]):
        made = splice(narrow, wide, set(chosen), request["name"])
        (Path(request["folder"]) / f"mixed{i}.tflite").write_bytes(made)
    return {}


def splice(narrow: bytes, wide: bytes, chosen: Collection[int], name: str) -> bytes:
    """The int8 file with the operators `chosen`, by their places in it, from the int16x8 one. BadInput."""
    ours, theirs = open_draft(narrow), open_draft(wide)
    if ours is None or theirs is None:
        raise BadInput(f"{name}: a model of several subgraphs is not made of mixed precision.", _REMEDY)
    work = _Splice(ours, theirs, _pairs(ours, theirs, name), name)
    operators: list[Any] = []
    for i, operator in enumerate(ours.operators):
        operators += work.wide_operator(i, operator) if i in chosen else [operator]
    ours.put(operators)
    drop_unused(ours)
    return ours.packed()


def _pairs(ours: Draft, theirs: Draft, name: str) -> dict[int, Any]:
    """The int16x8 file's operator for each of the int8 one's but QUANTIZE, by its place."""
    mine = [(i, op) for i, op in enumerate(ours.operators) if ours.kind(op) != "QUANTIZE"]
    other = [op for op in theirs.operators if theirs.kind(op) != "QUANTIZE"]
    for (_, a), b in zip(mine, other):
        kinds = ours.kind(a), theirs.kind(b)
        shapes = [ours.shape(i) for i in a.outputs], [theirs.shape(i) for i in b.outputs]
        if kinds[0] != kinds[1] or shapes[0] != shapes[1]:
            where = ours.name(int(a.outputs[0]))
            raise BadInput(f"{name}: {where} is {kinds[0]} in int8, {kinds[1]} in int16x8: they do not match.", _REMEDY)
    if len(mine) != len(other):
        raise BadInput(f"{name}: {len(mine)} operators in int8, {len(other)} in int16x8: they do not match.", _REMEDY)
    return {i: b for (i, _), b in zip(mine, other, strict=True)}


@dataclass
class _Splice:
    ours: Draft
    theirs: Draft
    pairs: dict[int, Any]
    name: str
    #: Tensors of the int16x8 file → those of the result.
    copies: dict[int, int] = field(default_factory=dict)

    def wide_operator(self, place: int, narrow: Any) -> list[Any]:
        """The operator in int16, QUANTIZE before it for what it reads in int8, and after it for who reads int8."""
        if place not in self.pairs:
            raise BadInput(f"{self.name}: a QUANTIZE of the model cannot be in int16.", "Name layers that compute.")
        made = copy.copy(self.pairs[place])
        made.opcodeIndex = self._code(self.theirs.model.operatorCodes[made.opcodeIndex])
        before, after, inputs, outputs = [], [], [], []
        for ours, theirs in zip(map(int, narrow.inputs), map(int, made.inputs), strict=True):
            if theirs < 0 or theirs in self.copies:
                inputs.append(theirs if theirs < 0 else self.copies[theirs])
                continue
            tensor = self.theirs.graph.tensors[theirs]
            if tensor.isVariable:
                raise BadInput(f"{self.name}: {self._named(narrow)} keeps a state: it stays int8.", _REMEDY)
            if self._is_constant(theirs):
                inputs.append(self._copied(theirs, ""))
            elif self._types(ours, theirs) == ("INT8", "INT16"):
                inputs.append(self._copied(theirs, "_int16"))
                before.append(self.ours.operator("QUANTIZE", [ours], [inputs[-1]]))
            elif tensor.type == self.ours.graph.tensors[ours].type:
                inputs.append(ours)
            else:
                raise BadInput(f"{self.name}: {self._named(narrow)} has no int16 form that fits.", _REMEDY)
        ends = {int(i) for i in self.ours.graph.outputs}
        for ours, theirs in zip(map(int, narrow.outputs), map(int, made.outputs), strict=True):
            if self._types(ours, theirs) != ("INT8", "INT16"):
                raise BadInput(f"{self.name}: {self._named(narrow)} has no int16 form that fits.", _REMEDY)
            outputs.append(self._copied(theirs, "_int16" if ours in ends else ""))
            if ours not in ends:
                self.ours.graph.tensors[ours].name = f"{self.ours.name(ours)}_int8".encode()
            after.append(self.ours.operator("QUANTIZE", [outputs[-1]], [ours]))
        made.inputs, made.outputs = inputs, outputs
        return [*before, made, *after]

    def _named(self, operator: Any) -> str:
        return self.ours.name(int(operator.outputs[0]))

    def _types(self, ours: int, theirs: int) -> tuple[str, str]:
        kinds = self.ours.schema.TensorType
        names = {kinds.INT8: "INT8", kinds.INT16: "INT16"}
        mine, other = self.ours.graph.tensors[ours].type, self.theirs.graph.tensors[theirs].type
        return names.get(mine, ""), names.get(other, "")

    def _is_constant(self, theirs: int) -> bool:
        data = self.theirs.model.buffers[self.theirs.graph.tensors[theirs].buffer].data
        return data is not None and len(data) > 0

    def _copied(self, theirs: int, ending: str) -> int:
        """The tensor of the int16x8 file in the result, the same one whoever asks; a constant with its bytes."""
        if theirs not in self.copies:
            tensor = copy.copy(self.theirs.graph.tensors[theirs])
            tensor.name = f"{self.theirs.name(theirs)}{ending}".encode()
            if self._is_constant(theirs):
                self.ours.model.buffers.append(self.theirs.model.buffers[tensor.buffer])
                tensor.buffer = len(self.ours.model.buffers) - 1
            else:
                tensor.buffer = 0
            self.ours.graph.tensors.append(tensor)
            self.copies[theirs] = len(self.ours.graph.tensors) - 1
        return self.copies[theirs]

    def _code(self, code: Any) -> int:
        """The operator's code with the version that int16 asks for."""
        key = (code.builtinCode, code.deprecatedBuiltinCode, code.customCode, code.version)
        codes = self.ours.model.operatorCodes
        for i, one in enumerate(codes):
            if (one.builtinCode, one.deprecatedBuiltinCode, one.customCode, one.version) == key:
                return i
        codes.append(copy.copy(code))
        return len(codes) - 1
