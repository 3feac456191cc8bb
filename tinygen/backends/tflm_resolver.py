"""The MicroMutableOpResolver methods that add a model's operators, and which library lacks which."""

from __future__ import annotations

from ..errors import BadInput
from ..graph.ir import Graph
from ..graph.tflm import BUILTIN, CUSTOM, NEEDS_MORE

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
    for op in graph.ops:
        if op.kind in NEEDS_MORE:
            raise BadInput(
                f"{op.name}: {op.kind} (resource variables, control flow) is not supported by the tflm back end.",
                "Make the model stateless: state as inputs and outputs.",
            )
        custom = op.kind.removeprefix("CUSTOM:")
        method = BUILTIN.get(op.kind) if custom == op.kind else CUSTOM.get(custom)
        if method is None:
            raise BadInput(
                f"{op.name}: TensorFlow Lite Micro has no {op.kind}.", "Replace the layer in the Keras model."
            )
        if method in ABSENT.get(library, frozenset()):
            raise BadInput(
                f"{op.name}: the library {library} that brings TensorFlow Lite Micro to this board has no {op.kind}.",
                "An ESP32 board (esp-tflite-micro) has it.",
            )
        methods[method] = None
    return tuple(methods)
