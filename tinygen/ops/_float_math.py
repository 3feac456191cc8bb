"""Float32 arithmetic as TFLM's float kernels do it on the host, step by step: what float islands are computed with.

Each function takes a layer and its operands, arrays that broadcast, and returns its result in the operands' order.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..graph.ir import Array, Op
from ._libm import libm
from .base import activation_name

Function = Callable[[Op, list[Array]], Array]

_LARGEST = float(np.finfo(np.float32).max)
#: Bounds of a fused activation; without one, float kernels hold results to the finite numbers.
_BOUNDS = {"NONE": (-_LARGEST, _LARGEST), "RELU": (0.0, _LARGEST), "RELU6": (0.0, 6.0), "RELU_N1_TO_1": (-1.0, 1.0)}
#: Beyond these the kernel of LOGISTIC takes shorter ways.
_UPPER, _LOWER = np.float32(16.619047164916992188), np.float32(-9.0)


def _held(x: Array, low: float, high: float) -> Array:
    """Values between two bounds; what is no number stays so."""
    x = np.where(x < np.float32(low), np.float32(low), x)
    return np.where(x > np.float32(high), np.float32(high), x)


def _fused(function: Callable[[Array, Array], Array]) -> Function:
    def of(op: Op, operands: list[Array]) -> Array:
        return _held(function(*operands), *_BOUNDS[activation_name(op, op.attrs.fused)])

    return of


def _chosen(condition: Array, a: Array, b: Array) -> Array:
    return np.asarray(np.where(condition, a, b))


def _plain(function: Callable[..., Array]) -> Function:
    return lambda _op, operands: function(*operands)


def _of_libm(name: str) -> Function:
    return lambda _op, operands: libm(name, operands[0])


def _logistic(x: Array) -> Array:
    middle = np.float32(1) / (np.float32(1) + libm("expf", -x))
    return np.where(x > _UPPER, np.float32(1), np.where(x < _LOWER, libm("expf", x), middle))


def _rounded(x: Array) -> Array:
    """To the nearest, halves to the even."""
    below = np.floor(x)
    part = x - below
    down = (part < np.float32(0.5)) | ((part == np.float32(0.5)) & (np.fmod(below, np.float32(2)) == 0))
    return np.where(down, below, below + np.float32(1))


def _leaky(op: Op, operands: list[Array]) -> Array:
    (x,) = operands
    return np.where(x > 0, x, x * np.float32(op.attrs.alpha))


def _floor_mod(a: Array, b: Array) -> Array:
    rest = np.fmod(a, b)
    return np.where((rest != 0) & ((b < 0) != (rest < 0)), rest + b, rest)


def _floor_div(a: Array, b: Array) -> Array:
    """The quotient is taken in double."""
    return np.asarray(np.floor(a.astype(np.float64) / b.astype(np.float64)), np.float32)


#: Operators with a float kernel that works element by element.
FLOAT_FUNCTIONS: dict[str, Function] = {
    "ABS": _plain(np.abs),
    "ADD": _fused(np.add),
    "CEIL": _plain(np.ceil),
    "COS": _of_libm("cosf"),
    "DIV": _fused(np.divide),
    "ELU": _plain(lambda x: np.where(x < 0, libm("expm1f", x), x)),
    "EQUAL": _plain(np.equal),
    "EXP": _of_libm("expf"),
    "FLOOR": _plain(np.floor),
    "FLOOR_DIV": _plain(_floor_div),
    "FLOOR_MOD": _plain(_floor_mod),
    "GREATER": _plain(np.greater),
    "GREATER_EQUAL": _plain(np.greater_equal),
    "HARD_SWISH": _plain(lambda x: x * _held(x + np.float32(3), 0.0, 6.0) / np.float32(6)),
    "LEAKY_RELU": _leaky,
    "LESS": _plain(np.less),
    "LESS_EQUAL": _plain(np.less_equal),
    "LOG": _of_libm("logf"),
    "LOGICAL_AND": _plain(np.logical_and),
    "LOGICAL_NOT": _plain(np.logical_not),
    "LOGICAL_OR": _plain(np.logical_or),
    "LOGISTIC": _plain(_logistic),
    "MAXIMUM": _plain(lambda a, b: _chosen(a > b, a, b)),
    "MINIMUM": _plain(lambda a, b: _chosen(a < b, a, b)),
    "MUL": _fused(np.multiply),
    "NEG": _plain(np.negative),
    "NOT_EQUAL": _plain(np.not_equal),
    "PRELU": _plain(lambda x, alpha: np.where(x >= 0, x, x * alpha)),
    "RELU": _plain(lambda x: np.where(x < 0, np.float32(0), x)),
    "RELU6": _plain(lambda x: _held(x, 0.0, 6.0)),
    "ROUND": _plain(_rounded),
    "RSQRT": _plain(lambda x: np.float32(1) / np.sqrt(x)),
    "SELECT_V2": _plain(_chosen),
    "SIN": _of_libm("sinf"),
    "SQRT": _plain(np.sqrt),
    "SQUARE": _plain(np.square),
    "SQUARED_DIFFERENCE": _plain(lambda a, b: np.square(a - b)),
    "SUB": _fused(np.subtract),
    "TANH": _of_libm("tanhf"),
}
