"""The C library's float functions of the machine that runs tinygen: those that TFLM's reference kernels call there.

expf, logf, tanhf and their like are not correctly rounded everywhere, so two machines may differ in a function's last
bit, and a table made from it by one step where a value falls on half a step. TFLM's own tables for ELU and for int16
softmax have the same limit. On one machine they agree, bit for bit, with the reference that is installed there.
Where no C library is to be had, the functions are taken in double and rounded.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache

import numpy as np

from ..graph.ir import Array

#: The same functions in double.
_DOUBLE: dict[str, Callable[[Array], Array]] = {
    "expf": np.exp, "expm1f": np.expm1, "logf": np.log, "tanhf": np.tanh, "sinf": np.sin, "cosf": np.cos,
}  # fmt: skip


def libm(name: str, x: Array) -> Array:
    """The function `name` ("expf") of each float32 of `x`."""
    function = _function(name)
    values = np.asarray(x, np.float32)
    with np.errstate(all="ignore"):
        if function is None:
            return np.asarray(_DOUBLE[name](values.astype(np.float64)), np.float32)
        results = [function(float(value)) for value in values.reshape(-1)]
    return np.array(results, np.float32).reshape(values.shape)


@cache
def _function(name: str) -> Callable[[float], float] | None:
    """The function of the library that the interpreter itself is linked with; None where it has none."""
    try:
        function = getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):
        return None
    function.argtypes, function.restype = [ctypes.c_float], ctypes.c_float

    def call(x: float) -> float:
        return float(function(x))

    return call
