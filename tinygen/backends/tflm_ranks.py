"""What TensorFlow Lite Micro's kernels take for granted of their tensors, held to before anything is planned for them.

The interpreter reads the model's file on the board: a tensor of too few dimensions would have its kernel read what lies
beside. Operators that are not listed go by the rank that their tensors have.
"""

from __future__ import annotations

from ..errors import BadInput
from ..graph.ir import HANDLE, ITEM_BYTES, Graph

#: (fewest, most) dimensions of inputs by their number; of the first output under OUTPUT.
OUTPUT = -1
_TWO, _THREE, _FOUR = (2, 2), (3, 3), (4, 4)
_RANKS: dict[str, dict[int, tuple[int, int]]] = {
    "CONV_2D": {0: _FOUR, 1: _FOUR, OUTPUT: _FOUR},
    "DEPTHWISE_CONV_2D": {0: _FOUR, 1: _FOUR, OUTPUT: _FOUR},
    "TRANSPOSE_CONV": {1: _FOUR, 2: _FOUR, OUTPUT: _FOUR},
    "FULLY_CONNECTED": {1: _TWO},
    "BATCH_MATMUL": {0: (2, 8), 1: (2, 8), OUTPUT: (2, 8)},
    "AVERAGE_POOL_2D": {0: _FOUR, OUTPUT: _FOUR},
    "MAX_POOL_2D": {0: _FOUR, OUTPUT: _FOUR},
    "SOFTMAX": {0: (1, 8)},
    "SVDF": {0: _TWO, 1: _TWO, 2: _TWO, OUTPUT: _TWO},
    "UNIDIRECTIONAL_SEQUENCE_LSTM": {0: _THREE, OUTPUT: _THREE},
}


def check_tensors(graph: Graph) -> None:
    """Raises BadInput, with the layer, for tensors that no kernel can read or write."""
    for op in graph.ops:
        for tensor in (graph.tensors[i] for i in op.outputs):
            if tensor.dtype not in ITEM_BYTES and (op.kind, tensor.dtype) != ("VAR_HANDLE", HANDLE):
                raise BadInput(f"{op.name}: {op.kind} writes {tensor.dtype}, for which the arena has no place.")
        for which, (fewest, most) in _RANKS.get(op.kind, {}).items():
            tensor = graph.output(op) if which == OUTPUT else graph.input(op, which)
            if not fewest <= len(tensor.shape) <= most:
                what = "output" if which == OUTPUT else f"input {which}"
                raise BadInput(f"{op.name}: {op.kind} takes no {what} of the shape {tensor.shape}.")
