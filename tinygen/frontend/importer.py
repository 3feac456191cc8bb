"""Reads a .tflite into a Graph, without TensorFlow, through the operators' table; the file is hostile until checked."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

from ..errors import BadInput
from ..flatbuffer import Damaged, Table, root
from ..graph.builtin import BUILTIN_NAMES, OPTIONS_CODES
from ..graph.ir import HANDLE, Graph, Op, OtherSubgraph, Tensor, Variable
from ..graph.verify import verify
from ..ops import operators
from ..ops._ways_out import TEN_AT_A_TIME, shown, way_out
from ..ops.base import Operator, refused_type
from .interpreter_variables import interpreter_variables
from .subgraph import MAX_ENDS, MAX_OPERATORS, Node, Subgraph, read_nodes
from .tflite_tensors import OTHER, buffer_bytes, read_tensors
from .variables import marked_states, resolve_variables

#: What no name of an operator has; such characters of a custom one's are not shown.
_UNPRINTED = r"[^\w.:/<>-]"
MAX_FILE_BYTES = 1 << 24
#: No microcontroller has room for more. Vectors of a file may share their bytes, so that a small file can claim as much
#: as a large one: what is read is held to these, not to the file's size.
MAX_TENSORS = 16_384
MAX_BUFFERS, MAX_CODES, MAX_SUBGRAPHS, MAX_METADATA = 50_000, 1_000, 1_000, 256
#: Constants that all layers read together, each as often as a layer reads it.
MAX_READ_BYTES = 1 << 28


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
    subgraphs = model.tables(2, MAX_SUBGRAPHS)
    if not subgraphs:
        raise BadInput(f"{name}: the model has no subgraph.")
    buffers = model.tables(4, MAX_BUFFERS)
    codes = [_operator_name(code) for code in model.tables(1, MAX_CODES)]

    @cache
    def subgraph(number: int) -> Subgraph:
        if not 0 <= number < len(subgraphs):
            raise BadInput(f"{name}: calls subgraph {number} of {len(subgraphs)}.")
        tensors = read_tensors(data, subgraphs[number].tables(0, MAX_TENSORS), buffers)
        return Subgraph(tensors, read_nodes(subgraphs[number], codes, len(tensors)))

    listed = subgraph(0)
    marked = _marked(subgraphs[0], listed)
    others = _others(subgraphs[1:], codes)
    variables: tuple[Variable, ...] = ()
    if supported_only:
        main = resolve_variables(listed, subgraph, marked)
    else:
        main = marked_states(listed, marked)
        if any(node.kind == "VAR_HANDLE" for node in listed.nodes):
            prepared = (subgraph(i) for i in range(len(subgraphs)))
            variables = interpreter_variables(prepared, resolve_variables(listed, subgraph, ()))
    names = _UniqueNames()
    graph = Graph(
        name=name,
        tensors=main.tensors,
        ops=tuple(_op(node, main.tensors, names, supported_only) for node in main.nodes),
        inputs=subgraphs[0].ints(1, MAX_ENDS),
        outputs=subgraphs[0].ints(2, MAX_ENDS),
        sha256=hashlib.sha256(data).hexdigest(),
        states=main.states,
        file_tensors=len(listed.tensors),
        others=others,
        variables=variables,
        metadata=_metadata(data, model, buffers),
    )
    _check_types(graph)
    verify(graph)
    _check_constants(graph)
    if supported_only:
        check_shapes(graph)
    return graph


def _check_constants(graph: Graph) -> None:
    read = (graph.tensors[i] for op in graph.ops for i in op.inputs if i >= 0)
    total = sum(tensor.nbytes for tensor in read if tensor.data is not None)
    if total > MAX_READ_BYTES:
        raise BadInput(f"{graph.name}: its layers read {total} bytes of constants, {MAX_READ_BYTES} are the most.")


def _others(subgraphs: list[Table], codes: list[str]) -> tuple[OtherSubgraph, ...]:
    """What an interpreter counts of the subgraphs after the first."""
    found = []
    tensors = operators = 0
    for table in subgraphs:
        nodes = table.tables(3, MAX_OPERATORS)
        listed = table.tables(0, MAX_TENSORS)
        tensors, operators = tensors + len(listed), operators + len(nodes)
        if operators > MAX_OPERATORS:
            raise BadInput(f"More than {MAX_OPERATORS} operators in the model's subgraphs.")
        if tensors > MAX_TENSORS:
            raise BadInput(f"More than {MAX_TENSORS} tensors in the model's subgraphs.")
        numbers = (node.uint32(0) for node in nodes)
        kinds = tuple(codes[number] for number in numbers if number < len(codes))
        found.append(OtherSubgraph(len(listed), kinds, any(tensor.bool(5) for tensor in listed)))
    return tuple(found)


def _marked(table: Table, subgraph: Subgraph) -> tuple[int, ...]:
    """The tensors that layers read and the file marks as variable."""
    read = {i for node in subgraph.nodes for i in node.inputs}
    return tuple(i for i, tensor in enumerate(table.tables(0)) if i in read and tensor.bool(5))


def _operator_name(code: Table) -> str:
    """TensorFlow Lite's name of an operator code; custom operators are named CUSTOM:<name>."""
    builtin = max(code.int8(0), code.int32(3))
    name = BUILTIN_NAMES[builtin] if 0 <= builtin < len(BUILTIN_NAMES) else f"BUILTIN_{builtin}"
    return f"CUSTOM:{re.sub(_UNPRINTED, '_', code.text(1, 80))}" if name == "CUSTOM" else name


def _metadata(data: bytes, model: Table, buffers: list[Table]) -> dict[str, bytes]:
    found = {}
    total = 0
    for entry in model.tables(6, MAX_METADATA):
        index = entry.uint32(1)
        if index < len(buffers):
            content = buffer_bytes(data, buffers[index])
            total += len(content)
            if total > len(data):
                raise Damaged("The file is damaged: its metadata is longer than the file.")
            found[entry.text(0)] = bytes(content)
    return found


class _UniqueNames:
    """Layer names as users know them: the output tensor's last path component, made unique."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._counts: dict[str, int] = {}

    def __call__(self, tensor_name: str, kind: str) -> str:
        first = tensor_name.split(";")[0]
        parts = [p for p in first.split("/") if p and not p.startswith(("StatefulPartitionedCall", "PartitionedCall"))]
        if len(parts) > 1 and re.fullmatch(r"(model|sequential|functional)(_\d+)?", parts[0]):
            parts = parts[1:]
        short = parts[0] if parts else ""
        base = re.sub(r"[^\w.:-]", "_", short, flags=re.ASCII)[:40].strip("_") or kind.lower()
        name, count = base, self._counts.get(base, 1)
        while name in self._taken:
            count += 1
            name = f"{base}_{count}"
        self._counts[base] = count
        self._taken.add(name)
        return name


def _op(node: Node, tensors: tuple[Tensor, ...], unique: Callable[[str, str], str], supported_only: bool) -> Op:
    if supported_only and not node.outputs:
        raise BadInput(f"A {node.kind} operator has no output.")
    name = unique(tensors[node.outputs[0]].name if node.outputs else node.kind, node.kind)
    operator = operators().get(node.kind)
    if operator is None:
        if supported_only:
            hint = way_out(node.kind, tensors[node.outputs[0]].dtype if node.outputs else "")
            raise BadInput(f"{name}: {shown(node.kind)} is not supported by the aot back end.", hint)
        return Op(node.kind, name, node.inputs, node.outputs)
    wanted = OPTIONS_CODES.get(node.kind)
    if node.options_code and wanted and node.options_code != wanted:
        raise BadInput(f"{name}: its options are of type {node.options_code}, those of {node.kind} are {wanted}.")
    op = Op(node.kind, name, node.inputs, node.outputs, operator.read(node.options))
    return _checked(operator, op) if supported_only or not _of_variables(node.kind) else op


def _of_variables(kind: str) -> bool:
    """Operators whose inputs are handles, where those were not resolved."""
    return kind in ("VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE")


def _checked(operator: Operator, op: Op) -> Op:
    low, high = operator.inputs
    if not low <= len(op.inputs) <= high or any(i < 0 for i in op.inputs[:low]):
        hint = TEN_AT_A_TIME if op.kind == "CONCATENATION" and len(op.inputs) > high else ""
        raise BadInput(f"{op.name}: {op.kind} takes {low} to {high} inputs, the file gives {op.inputs}.", hint)
    return op


def _check_types(graph: Graph) -> None:
    """Refuses tensors of types that neither back end holds, by the layer that reads them."""
    for op in graph.ops:
        types = (graph.tensors[i].dtype for i in op.inputs if i >= 0)
        dtype = next((d for d in types if d in OTHER.values() and d != HANDLE), "")  # of handles: variables.py
        if dtype:
            raise BadInput(f"{op.name}: {shown(op.kind)} on {dtype} is not supported.", way_out(op.kind, dtype))


def _shapes(graph: Graph, op: Op) -> tuple[tuple[int, ...], ...]:
    """What follows from the inputs; a type that no kernel takes is told before what else does not fit."""
    operator = operators()[op.kind]
    try:
        return operator.shapes(graph, op)
    except BadInput:
        dtype = graph.input(op, operator.data_input).dtype
        if operator.kernels and not any(dtype in kernel.dtypes for kernel in operator.kernels):
            raise refused_type(operator, graph, op) from None
        raise


def check_shapes(graph: Graph) -> None:
    """Holds every output's declared shape to the one that follows from the inputs."""
    for op in graph.ops:
        inferred = _shapes(graph, op)
        declared = tuple(graph.tensors[i].shape for i in op.outputs)
        if inferred != declared:
            raise BadInput(f"{op.name} ({op.kind}): the file says output {declared}, its inputs give {inferred}.")
