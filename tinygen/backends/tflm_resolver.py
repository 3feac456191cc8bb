"""The MicroMutableOpResolver methods that add a model's operators, and which library lacks which."""

from __future__ import annotations

from ..errors import BadInput
from ..graph.ir import HANDLE, Graph, Op
from ..graph.tflm import BUILTIN, CUSTOM, NEEDS_MORE, runs, types_of
from ..ops import operators
from ..ops._ways_out import is_hybrid, shown, way_out, way_out_of

#: Methods that a pinned library's resolver has not got yet (its micro_mutable_op_resolver.h read against the above).
_SIGNAL = frozenset(method for name, method in CUSTOM.items() if name.startswith("Signal"))
ABSENT: dict[str, frozenset[str]] = {
    "Chirale_TensorFLowLite": _SIGNAL
    | {"AddBatchMatMul", "AddDecode", "AddDynamicUpdateSlice", "AddEmbeddingLookup", "AddReduceAll", "AddReduceMin"}
    | {"AddReverseV2"},
}


def resolver_methods(graph: Graph, library: str = "") -> tuple[str, ...]:
    """The methods that add exactly the model's operators, each once, in the order of their first use.

    Raises BadInput, with the layer, for an operator that TFLM or the named library does not have.
    """
    methods: dict[str, None] = {}
    _check_variables(graph)
    for op in graph.ops:
        if op.kind in NEEDS_MORE:
            raise BadInput(
                f"{op.name}: {op.kind} (control flow) is not supported by the tflm back end.", way_out(op.kind)
            )
        custom = op.kind.removeprefix("CUSTOM:")
        method = BUILTIN.get(op.kind) if custom == op.kind else CUSTOM.get(custom)
        dtype = _data_type(graph, op)
        if method is None:
            raise BadInput(f"{op.name}: TensorFlow Lite Micro has no {shown(op.kind)}.", way_out(op.kind, dtype))
        if not runs(op.kind, dtype) or is_hybrid(graph, op):
            only = "data and weights of one kind" if is_hybrid(graph, op) else ", ".join(types_of(op.kind) or ())
            what = f"{op.kind} on {dtype} is not among what TensorFlow Lite Micro has, {only} alone"
            raise BadInput(f"{op.name}: {what}.", way_out_of(graph, op, dtype))
        if method in ABSENT.get(library, frozenset()):
            raise BadInput(
                f"{op.name}: the library {library} that brings TensorFlow Lite Micro to this board has no {op.kind}.",
                "An ESP32 board (esp-tflite-micro) has it.",
            )
        methods[method] = None
    for kind in graph.other_kinds:
        method = BUILTIN.get(kind)
        if method is None or kind in NEEDS_MORE or method in ABSENT.get(library, frozenset()):
            raise BadInput(f"{graph.name}: another subgraph of the model has {kind}, which is not run here.")
        methods[method] = None
    return tuple(methods)


def _check_variables(graph: Graph) -> None:
    """What TFLM takes for granted of variables, and what it would read past a null pointer for."""
    for op in graph.ops:
        if op.kind == "VAR_HANDLE" and any(graph.tensors[i].dtype != HANDLE for i in op.outputs):
            raise BadInput(f"{op.name}: VAR_HANDLE gives a {graph.tensors[op.outputs[0]].dtype}, not a handle.")
    for variable in graph.variables:
        if not variable.is_comparable:
            raise BadInput(
                f"{graph.name}: TensorFlow Lite Micro cannot tell the variable {variable.name!r} by its name: it, or "
                "another one's container, is left out of the file.",
                "Convert the model again, or --runtime aot.",
            )


def _data_type(graph: Graph, op: Op) -> str:
    """The type that the kernel is chosen by."""
    known = operators().get(op.kind)
    index = known.data_input if known else 0
    if not op.inputs and not op.outputs:
        return ""
    is_read = op.kind != "FILL" and index < len(op.inputs) and op.inputs[index] >= 0
    return graph.tensors[op.inputs[index] if is_read else op.outputs[0]].dtype
