"""Writes small .tflite files from descriptions of tensors and operators, without TensorFlow and without tinygen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema


@dataclass(frozen=True)
class T:
    """A tensor; `data` makes it a constant, `scales` make it quantized (several: along `axis`)."""

    shape: tuple[int, ...]
    dtype: str = "int8"
    scales: tuple[float, ...] = ()
    zero_points: tuple[int, ...] = ()
    axis: int = 0
    data: npt.NDArray[Any] | None = None
    name: str = ""
    variable: bool = False


@dataclass(frozen=True)
class Node:
    """An operator: builtin name, indices of its tensors, name of its options' table and their fields."""

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: str = ""
    fields: dict[str, Any] = field(default_factory=dict)


def const(values: Any, dtype: str = "int32", **more: Any) -> T:
    """A constant tensor of the shape of `values`."""
    array = np.asarray(values, dtype)
    return T(array.shape, dtype, data=array, **more)


@dataclass(frozen=True)
class Sub:
    """Another subgraph: what CALL_ONCE runs. It has neither inputs nor outputs."""

    tensors: tuple[T, ...]
    nodes: tuple[Node, ...]


def build(
    tensors: Sequence[T],
    nodes: Sequence[Node],
    inputs: Sequence[int],
    outputs: Sequence[int],
    others: Sequence[Sub] = (),
) -> bytes:
    """The bytes of a model; `others` are its subgraphs from the second on."""
    model = schema.ModelT()
    model.version = 3
    model.description = "generated"
    model.buffers = [schema.BufferT()]
    kinds = sorted({node.kind for sub in (Sub((), tuple(nodes)), *others) for node in sub.nodes})
    model.operatorCodes = [_code(kind) for kind in kinds]
    model.subgraphs = []
    for sub in (Sub(tuple(tensors), tuple(nodes)), *others):
        graph = schema.SubGraphT()
        graph.tensors = [_tensor(t, i, model.buffers) for i, t in enumerate(sub.tensors)]
        graph.operators = [_operator(node, kinds) for node in sub.nodes]
        graph.inputs, graph.outputs = [], []
        model.subgraphs.append(graph)
    model.subgraphs[0].inputs, model.subgraphs[0].outputs = list(inputs), list(outputs)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _code(kind: str) -> Any:
    code = schema.OperatorCodeT()
    value = getattr(schema.BuiltinOperator, kind)
    code.builtinCode = value
    code.deprecatedBuiltinCode = min(value, 127)
    code.version = 1
    return code


def _tensor(t: T, index: int, buffers: list[Any]) -> Any:
    out = schema.TensorT()
    out.name = (t.name or f"t{index}").encode()
    out.shape = np.array(t.shape, np.int32)
    out.type = getattr(schema.TensorType, t.dtype.upper())
    out.buffer = 0
    out.isVariable = t.variable
    if t.data is not None:
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(t.data).tobytes(), np.uint8)
        out.buffer = len(buffers)
        buffers.append(buffer)
    if t.scales:
        quant = schema.QuantizationParametersT()
        quant.scale = np.array(t.scales, np.float32)
        quant.zeroPoint = np.array(t.zero_points or (0,) * len(t.scales), np.int64)
        quant.quantizedDimension = t.axis
        out.quantization = quant
    return out


def _operator(node: Node, kinds: list[str]) -> Any:
    out = schema.OperatorT()
    out.opcodeIndex = kinds.index(node.kind)
    out.inputs = np.array(node.inputs, np.int32)
    out.outputs = np.array(node.outputs, np.int32)
    if node.options:
        out.builtinOptionsType = getattr(schema.BuiltinOptions, node.options)
        out.builtinOptions = getattr(schema, node.options + "T")()
        for name, value in node.fields.items():
            if not hasattr(out.builtinOptions, name):
                raise AttributeError(f"{node.options} has no field {name}")
            setattr(out.builtinOptions, name, value)
    return out
