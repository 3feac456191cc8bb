"""Layers that part a tensor into more than ten, or pack more than ten, become several that kernels take.

An unrolled recurrent layer has one of each. SPLIT, SPLIT_V and UNPACK become a SLICE for each output (UNPACK's with a
RESHAPE, which costs nothing); PACK becomes a PACK of every ten, put together by CONCATENATION.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..graph.ir import Graph, Op, Tensor
from ..ops import operators, split, split_v, unpack
from ..ops._split import MAX_OUTPUTS, TYPES
from ..ops.concatenation import MAX_INPUTS, Concatenation
from ..ops.pack import Pack
from ..ops.slice import MAX_RANK

_PARTS = {"SPLIT": split.parts, "SPLIT_V": split_v.parts, "UNPACK": unpack.parts}


def part_in_steps(graph: Graph) -> Graph:
    """The graph with layers of at most ten outputs and packs of at most ten inputs, where they can be had."""
    tensors, ops = list(graph.tensors), []
    for op in graph.ops:
        if op.kind in _PARTS and len(op.outputs) > MAX_OUTPUTS and _movable(graph, op):
            ops += _slices(graph, op, tensors)
        elif op.kind == "PACK" and MAX_INPUTS < len(op.inputs) <= MAX_INPUTS**2:
            ops += _packs(graph, op, tensors)
        else:
            ops.append(op)
    return replace(graph, tensors=tuple(tensors), ops=tuple(ops))


def _movable(graph: Graph, op: Op) -> bool:
    """Whether SLICE takes what the layer takes: what is refused stays refused."""
    x = graph.input(op, operators()[op.kind].data_input)
    return x.dtype in TYPES and len(x.shape) <= MAX_RANK and all(graph.tensors[i].dtype == x.dtype for i in op.outputs)


def _added(tensors: list[Tensor], tensor: Tensor) -> int:
    tensors.append(tensor)
    return len(tensors) - 1


def _integers(tensors: list[Tensor], name: str, values: list[int]) -> int:
    return _added(tensors, Tensor(name, (len(values),), "int32", None, np.array(values, np.int32)))


def _slices(graph: Graph, op: Op, tensors: list[Tensor]) -> list[Op]:
    source = op.inputs[operators()[op.kind].data_input]
    shape = graph.tensors[source].shape
    axis, extents = _PARTS[op.kind](graph, op)
    done, start = [], 0
    for number, (extent, out) in enumerate(zip(extents, op.outputs)):
        name = f"{op.name}_{number}"
        begin = _integers(tensors, f"{name}_begin", [start if i == axis else 0 for i in range(len(shape))])
        part = tuple(extent if i == axis else n for i, n in enumerate(shape))
        size = _integers(tensors, f"{name}_size", list(part))
        to = out if op.kind != "UNPACK" else _added(tensors, replace(graph.tensors[out], name=name, shape=part))
        done.append(Op("SLICE", name, (source, begin, size), (to,)))
        if to != out:
            done.append(Op("RESHAPE", f"{name}_shape", (to,), (out,)))
        start += extent
    return done


def _packs(graph: Graph, op: Op, tensors: list[Tensor]) -> list[Op]:
    y = graph.output(op)
    axis = op.attrs.axis % len(y.shape)
    done, packed = [], []
    for start in range(0, len(op.inputs), MAX_INPUTS):
        inputs = op.inputs[start : start + MAX_INPUTS]
        name = f"{op.name}_{start}"
        shape = (*y.shape[:axis], len(inputs), *y.shape[axis + 1 :])
        packed.append(_added(tensors, replace(y, name=name, shape=shape)))
        done.append(Op("PACK", name, inputs, (packed[-1],), Pack(len(inputs), axis)))
    return [*done, replace(op, kind="CONCATENATION", inputs=tuple(packed), attrs=Concatenation(axis, 0))]
