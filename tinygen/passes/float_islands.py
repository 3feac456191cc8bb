"""Folds float islands: DEQUANTIZE, float operators and QUANTIZE that together are a function of one int8 value.

The converter leaves an operator in float32 where TensorFlow Lite has no int8 kernel for it (ELU, NEG, SQUARE …).
1. A float tensor is followed while it comes, element by element, from one int8 tensor and from constants that are one
   number each: its values for the 256 possible ones are all there is to know.
2. They are computed as TFLM's float kernels do it on the host (ops/_libm.py says what that means).
3. The QUANTIZE to int8 at the end becomes a TABLE of them; what it read before is dead then.

An island of more than one int8 tensor, of a constant a channel, or with a value that TFLM's QUANTIZE does not define
(no number, or beyond 32 bits) stays as it is, and is refused when it has no kernel.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..graph.ir import Array, Graph, Op
from ..ops._fixed_point import RANGES, round_half_away
from ..ops._float_math import FLOAT_FUNCTIONS
from ..ops.table import Table
from .rewrite import VIEWS

_EVERY = np.arange(-128, 128)
#: Operators that pass a value on; CAST between float32 and bool.
_PASSED = VIEWS | {"CAST"}
_TYPES = {"float32": np.float32, "bool": np.bool_}


def fold_float_islands(graph: Graph) -> Graph:
    """The graph with a TABLE for every QUANTIZE at the end of such an island."""
    found: dict[int, _Values] = {}
    ops = []
    for op in graph.ops:
        if op.kind == "QUANTIZE" and op.inputs[0] in found:
            ops.append(_table(graph, op, found[op.inputs[0]]) or op)
            continue
        ops.append(op)
        values = _values(graph, op, found)
        if values is not None:
            found[op.outputs[0]] = values
    return replace(graph, ops=tuple(ops))


@dataclass(frozen=True)
class _Values:
    """A float32 or bool tensor's values for each value of the int8 tensor `source`; one value without a source."""

    source: int | None
    values: Array


def _values(graph: Graph, op: Op, found: dict[int, _Values]) -> _Values | None:
    """The values of a layer's output, None where they do not come from one int8 tensor."""
    if len(op.outputs) != 1 or graph.output(op).dtype not in _TYPES:
        return None
    if op.kind == "DEQUANTIZE":
        return _dequantized(graph, op.inputs[0])
    if op.kind not in FLOAT_FUNCTIONS and op.kind not in _PASSED:
        return None
    read = [_operand(graph, i, found) for i in (op.inputs[:1] if op.kind in _PASSED else op.inputs)]
    operands = [values for values in read if values is not None]
    sources = {values.source for values in operands} - {None}
    if len(operands) < len(read) or len(sources) > 1 or not (op.kind in VIEWS or _alike(graph, op, operands)):
        return None
    with np.errstate(all="ignore"):
        arrays = [values.values for values in operands]
        result = arrays[0] if op.kind in _PASSED else FLOAT_FUNCTIONS[op.kind](op, arrays)
    return _Values(next(iter(sources), None), np.asarray(result, _TYPES[graph.output(op).dtype]))


def _operand(graph: Graph, index: int, found: dict[int, _Values]) -> _Values | None:
    data = graph.tensors[index].data if index >= 0 and graph.tensors[index].dtype in _TYPES else None
    return found.get(index) if data is None else _constant(data)


def _constant(data: Array) -> _Values | None:
    return _Values(None, data.reshape(-1)[:1]) if data.size and (data == data.reshape(-1)[0]).all() else None


def _alike(graph: Graph, op: Op, operands: list[_Values]) -> bool:
    """Whether every operand but constants has the output's shape: element by element then, in the same order."""
    shape = graph.output(op).shape
    pairs = zip(op.inputs, operands)
    return all(values.source is None or graph.tensors[i].shape == shape for i, values in pairs)


def _dequantized(graph: Graph, index: int) -> _Values | None:
    """The product with the scale is taken in double."""
    x = graph.tensors[index]
    if x.dtype != "int8" or x.quant is None or x.quant.per_channel:
        return None
    constant = None if x.data is None else _constant(x.data)
    if x.data is not None and constant is None:
        return None
    q = _EVERY if constant is None else constant.values
    real = x.quant.scale * (q.astype(np.float64) - x.quant.zero_point)
    with np.errstate(over="ignore"):
        return _Values(index if constant is None else None, real.astype(np.float32))


def _table(graph: Graph, op: Op, values: _Values) -> Op | None:
    """The QUANTIZE as a TABLE: a division in float, halves rounded away from zero."""
    y = graph.output(op)
    if values.source is None or y.dtype != "int8" or y.quant is None or y.quant.per_channel:
        return None
    with np.errstate(all="ignore"):
        steps = values.values / np.float32(y.quant.scale)
    if not np.isfinite(steps).all() or np.abs(steps).max() >= 2**31 - 256:
        return None
    low, high = RANGES["int8"]
    table = tuple(max(low, min(high, round_half_away(float(n)) + y.quant.zero_point)) for n in steps)
    return replace(op, kind="TABLE", inputs=(values.source,), attrs=Table(table))
