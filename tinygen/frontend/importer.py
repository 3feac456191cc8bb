"""Reads a .tflite into a Graph, without TensorFlow, through the operators' table; the file is hostile until checked."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..errors import BadInput
from ..flatbuffer import Damaged, Table, root
from ..graph.builtin import BUILTIN_NAMES
from ..graph.ir import ITEM_BYTES, Array, Graph, Op, Quant, Tensor
from ..graph.verify import verify
from ..ops import operators
from ..ops._ways_out import TEN_AT_A_TIME, shown, way_out
from ..ops.base import Operator, refused_type

#: TensorFlow Lite's types that no kernel takes, by code: kept by name, refused when an operator reads them.
OTHER = {1: "float16", 5: "string", 8: "complex64", 10: "float64", 11: "complex128", 12: "uint64", 14: "variant",
         16: "uint16", 17: "int4", 18: "bfloat16"}  # fmt: skip
#: TensorFlow Lite's type codes that a Graph can hold.
DTYPES = {0: "float32", 2: "int32", 3: "uint8", 4: "int64", 6: "bool", 7: "int16", 9: "int8", 15: "uint32"}
NUMPY = {
    "float32": "<f4", "int32": "<i4", "uint8": "u1", "int64": "<i8", "bool": "?", "int16": "<i2", "int8": "i1",
    "uint32": "<u4",
}  # fmt: skip
#: What no name of an operator has; such characters of a custom one's are not shown.
_UNPRINTED = r"[^\w.:/<>-]"
MAX_FILE_BYTES = 1 << 28
MAX_TENSOR_BYTES = 1 << 28
MAX_TENSORS = 100_000
MAX_RANK = 8


def read_model_file(path: Path) -> bytes:
    """The bytes of a model file; BadInput where there is none, it is empty, or too large to be one for a board."""
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise BadInput(f"{path}: not a file.")
        if size > MAX_FILE_BYTES:
            raise BadInput(f"{path}: {size} bytes are too many for a microcontroller's model.")
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}.") from error
    if not data:
        raise BadInput(f"{path}: the file is empty.")
    return data


def import_tflite(data: bytes, name: str = "model", *, supported_only: bool = True) -> Graph:
    """The graph of the first subgraph of a .tflite.

    With `supported_only`, operators that the ahead-of-time back end lacks are refused with the layer's name; without,
    they are kept with no attributes (for back ends that interpret the file). Raises BadInput for a damaged file, for
    tensors that contradict themselves, and for shapes that do not follow from the operators.
    """
    try:
        return _read_model(data, name, supported_only)
    except Damaged as error:
        raise BadInput(f"{name}: {error.what}", "Is it a whole .tflite file?") from error


def _read_model(data: bytes, name: str, supported_only: bool) -> Graph:
    model = root(data, b"TFL3")
    if model.uint32(0) != 3:
        raise BadInput(f"{name}: schema version {model.uint32(0)} is not 3.")
    subgraphs = model.tables(2)
    if not subgraphs:
        raise BadInput(f"{name}: the model has no subgraph.")
    subgraph = subgraphs[0]
    buffers = model.tables(4)
    tables = subgraph.tables(0)
    if len(tables) > MAX_TENSORS:
        raise BadInput(f"{name}: {len(tables)} tensors are too many.")
    tensors = tuple(_tensor(data, t, i, buffers) for i, t in enumerate(tables))
    codes = [_operator_name(code) for code in model.tables(1)]
    names = _UniqueNames()
    ops = tuple(_op(node, codes, tensors, names, supported_only) for node in subgraph.tables(3))
    _check_types(ops, tensors)
    if len(subgraphs) > 1 and supported_only:
        raise BadInput(
            f"{name}: {len(subgraphs)} subgraphs (control flow or state) are not supported by the aot back end.",
            way_out("WHILE"),
        )
    graph = Graph(
        name=name,
        tensors=tensors,
        ops=ops,
        inputs=tuple(int(i) for i in subgraph.array(1, "<i4")),
        outputs=tuple(int(i) for i in subgraph.array(2, "<i4")),
        sha256=hashlib.sha256(data).hexdigest(),
        metadata=_metadata(data, model, buffers),
    )
    verify(graph)
    if supported_only:
        check_shapes(graph)
    return graph


def _operator_name(code: Table) -> str:
    """TensorFlow Lite's name of an operator code; custom operators are named CUSTOM:<name>."""
    builtin = max(code.int8(0), code.int32(3))
    name = BUILTIN_NAMES[builtin] if 0 <= builtin < len(BUILTIN_NAMES) else f"BUILTIN_{builtin}"
    return f"CUSTOM:{re.sub(_UNPRINTED, '_', code.text(1))[:80]}" if name == "CUSTOM" else name


def _buffer(data: bytes, table: Table) -> bytes | memoryview:
    """A buffer's bytes, inside the flatbuffer or behind it (offset and size, for large models)."""
    offset, size = int(table.scalar(1, "<Q", 0)), int(table.scalar(2, "<Q", 0))
    if offset > 1:
        if offset + size > len(data):
            raise Damaged(f"The file is damaged: a buffer of {size} bytes at {offset} passes its end.")
        return memoryview(data)[offset : offset + size]
    return table.array(0, "u1").data


def _metadata(data: bytes, model: Table, buffers: list[Table]) -> dict[str, bytes]:
    found = {}
    for entry in model.tables(6):
        index = entry.uint32(1)
        if index < len(buffers):
            found[entry.text(0)] = bytes(_buffer(data, buffers[index]))
    return found


def _tensor(data: bytes, table: Table, index: int, buffers: list[Table]) -> Tensor:
    name = table.text(3) or f"tensor_{index}"
    code = table.int8(1)
    shape = tuple(int(n) for n in table.array(0, "<i4"))
    if code not in DTYPES:
        return Tensor(name, (), OTHER.get(code, f"type_{code}"))
    dtype = DTYPES[code]
    if len(shape) > MAX_RANK or any(n < 0 for n in shape):
        raise BadInput(f"Tensor {name!r}: its shape {shape} is not one that a tensor can have.")
    if math.prod(shape) * ITEM_BYTES[dtype] > MAX_TENSOR_BYTES:
        raise BadInput(f"Tensor {name!r}: its shape {shape} is too large for a microcontroller.")
    if table.table(6) is not None:
        raise BadInput(f"Tensor {name!r} is stored sparse; convert the model without sparsity in the file.")
    return Tensor(
        name, shape, dtype, _quant(name, table.table(4), shape, dtype), _data(data, table, name, shape, dtype, buffers)
    )


def _data(
    data: bytes, table: Table, name: str, shape: tuple[int, ...], dtype: str, buffers: list[Table]
) -> Array | None:
    number = table.uint32(2)
    if number >= len(buffers):
        raise BadInput(f"Tensor {name!r}: its buffer {number} is not among the model's {len(buffers)}.")
    raw = _buffer(data, buffers[number])
    if len(raw) == 0 or table.bool(5):
        return None
    expected = math.prod(shape) * ITEM_BYTES[dtype]
    if len(raw) != expected:
        raise BadInput(f"Tensor {name!r}: shape {shape} needs {expected} bytes, its buffer has {len(raw)}.")
    array = np.frombuffer(raw, NUMPY[dtype]).reshape(shape)
    array.setflags(write=False)
    return array


def _quant(name: str, table: Table | None, shape: tuple[int, ...], dtype: str) -> Quant | None:
    if table is None:
        return None
    scales = table.array(2, "<f4")
    zero_points = table.array(3, "<i8")
    if len(scales) == 0:
        return None
    if not np.isfinite(scales).all() or (scales <= 0).any():
        bad = scales[~(np.isfinite(scales) & (scales > 0))][0]
        raise BadInput(f"Tensor {name!r}: its scale {bad} is not a positive number.")
    if len(zero_points) not in (0, len(scales)):
        raise BadInput(f"Tensor {name!r}: {len(scales)} scales and {len(zero_points)} zero points.")
    limits = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}.get(dtype)
    if limits and len(zero_points) and not limits[0] <= zero_points.min() <= zero_points.max() <= limits[1]:
        raise BadInput(f"Tensor {name!r}: a zero point is outside of {dtype}.")
    axis = table.int32(6)
    if len(scales) > 1 and not (0 <= axis < len(shape) and shape[axis] == len(scales)):
        raise BadInput(f"Tensor {name!r}: {len(scales)} scales along axis {axis} of shape {shape}.")
    zeros = tuple(int(z) for z in zero_points) or (0,) * len(scales)
    return Quant(tuple(float(s) for s in scales), zeros, axis)


class _UniqueNames:
    """Layer names as users know them: the output tensor's last path component, made unique."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def __call__(self, tensor_name: str, kind: str) -> str:
        first = tensor_name.split(";")[0]
        parts = [p for p in first.split("/") if p and not p.startswith(("StatefulPartitionedCall", "PartitionedCall"))]
        if len(parts) > 1 and re.fullmatch(r"(model|sequential|functional)(_\d+)?", parts[0]):
            parts = parts[1:]
        short = parts[0] if parts else ""
        base = re.sub(r"[^\w.:-]", "_", short, flags=re.ASCII)[:40].strip("_") or kind.lower()
        name, count = base, 1
        while name in self._taken:
            count += 1
            name = f"{base}_{count}"
        self._taken.add(name)
        return name


def _op(
    node: Table, codes: list[str], tensors: tuple[Tensor, ...], unique: Callable[[str, str], str], supported_only: bool
) -> Op:
    number = node.uint32(0)
    if number >= len(codes):
        raise BadInput(f"An operator has code {number}, the model lists {len(codes)}.")
    kind = codes[number]
    inputs = tuple(int(i) for i in node.array(1, "<i4"))
    outputs = tuple(int(i) for i in node.array(2, "<i4"))
    if (
        not outputs
        or any(not 0 <= i < len(tensors) for i in outputs)
        or any(not -1 <= i < len(tensors) for i in inputs)
    ):
        raise BadInput(f"A {kind} operator names tensors that the model does not have.")
    name = unique(tensors[outputs[0]].name, kind)
    operator = operators().get(kind)
    if operator is None:
        if supported_only:
            hint = way_out(kind, tensors[outputs[0]].dtype)
            raise BadInput(f"{name}: {shown(kind)} is not supported by the aot back end.", hint)
        return Op(kind, name, inputs, outputs)
    return _checked(operator, Op(kind, name, inputs, outputs, _attributes(operator, node)))


def _check_types(ops: tuple[Op, ...], tensors: tuple[Tensor, ...]) -> None:
    """Refuses tensors of types that neither back end holds, by the layer that reads them."""
    for op in ops:
        dtype = next((tensors[i].dtype for i in op.inputs if i >= 0 and tensors[i].dtype in OTHER.values()), "")
        if dtype:
            raise BadInput(f"{op.name}: {shown(op.kind)} on {dtype} is not supported.", way_out(op.kind, dtype))


def _attributes(operator: Operator, node: Table) -> object:
    empty = Table(b"\x04\x00\x04\x00\x04\x00\x00\x00", 4)  # a table without fields: every default
    return operator.read(node.table(4) or empty)


def _checked(operator: Operator, op: Op) -> Op:
    low, high = operator.inputs
    if not low <= len(op.inputs) <= high or any(i < 0 for i in op.inputs[:low]):
        hint = TEN_AT_A_TIME if op.kind == "CONCATENATION" and len(op.inputs) > high else ""
        raise BadInput(f"{op.name}: {op.kind} takes {low} to {high} inputs, the file gives {len(op.inputs)}.", hint)
    return op


def _shapes(graph: Graph, op: Op) -> tuple[tuple[int, ...], ...]:
    """What follows from the inputs; a type that no kernel takes is told before what else does not fit."""
    operator = operators()[op.kind]
    try:
        return operator.shapes(graph, op)
    except BadInput:
        if operator.kernels and all(
            graph.input(op, operator.data_input).dtype not in k.dtypes for k in operator.kernels
        ):
            raise refused_type(operator, graph, op) from None
        raise


def check_shapes(graph: Graph) -> None:
    """Holds every output's declared shape to the one that follows from the inputs."""
    for op in graph.ops:
        inferred = _shapes(graph, op)
        declared = tuple(graph.tensors[i].shape for i in op.outputs)
        if inferred != declared:
            raise BadInput(f"{op.name} ({op.kind}): the file says output {declared}, its inputs give {inferred}.")
