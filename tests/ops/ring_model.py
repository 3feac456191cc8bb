"""A streaming model: the last rows of its input in one variable, the largest value so far in another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from build_tflite import Node, Sub, T, build, const

from tinygen.compiled import Model

_HANDLE = T((), "resource")


def _variable(name: str) -> dict[str, str]:
    return {"container": "", "sharedName": name}


def ring() -> Model:
    """[1,1,5] → the three rows before and this one, [1,4,5]; and the maximum so far, [1,1,5]."""
    row = T((1, 1, 5), "int8", (0.5,), (3,))
    held = replace(row, shape=(1, 3, 5))
    both = replace(row, shape=(1, 4, 5), name="both")
    cuts = [const(v) for v in ([0, 1, 0], [1, 4, 5], [1, 1, 1])]
    tensors = [
        replace(row, name="x"), _HANDLE, held, both, *cuts, replace(held, name="rest"),
        _HANDLE, row, replace(row, name="largest"),
    ]  # fmt: skip
    nodes = [
        Node("CALL_ONCE", (), (), "CallOnceOptions", {"initSubgraphIndex": 1}),
        Node("VAR_HANDLE", (), (1,), "VarHandleOptions", _variable("ring")),
        Node("READ_VARIABLE", (1,), (2,), "ReadVariableOptions"),
        Node("CONCATENATION", (2, 0), (3,), "ConcatenationOptions", {"axis": 1}),
        Node("STRIDED_SLICE", (3, 4, 5, 6), (7,), "StridedSliceOptions"),
        Node("ASSIGN_VARIABLE", (1, 7), (), "AssignVariableOptions"),
        Node("VAR_HANDLE", (), (8,), "VarHandleOptions", _variable("peak")),
        Node("READ_VARIABLE", (8,), (9,), "ReadVariableOptions"),
        Node("MAXIMUM", (9, 0), (10,), "MaximumMinimumOptions"),
        Node("ASSIGN_VARIABLE", (8, 10), (), "AssignVariableOptions"),
    ]
    start = replace(held, data=(np.arange(15, dtype=np.int8) * 7 - 50).reshape(1, 3, 5))
    once = [
        Node("VAR_HANDLE", (), (0,), "VarHandleOptions", _variable("ring")),
        Node("ASSIGN_VARIABLE", (0, 1), (), "AssignVariableOptions"),
    ]
    return Model("ring", build(tensors, nodes, [0], [3, 10], others=[Sub((_HANDLE, start), tuple(once))]))
