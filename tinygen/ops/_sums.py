"""The sums of layers with weights: how wide TFLM keeps them, and the constants that bring them to the output's scale.

int8 activations are summed in 32 bits, which wrap, and rounded twice. So are int16 ones with int32 biases; with int64
biases or none they are summed in 64 bits and rounded once, by multipliers reduced to 16 bits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..graph.ir import Array, Graph, Op, Tensor
from ._fixed_point import wrap32
from .base import Constant, bad_layer, per_tensor

#: TensorFlow Lite's type code of a stated bias type that asks for sums of 32 bits.
_INT32 = 2
#: How many type codes TensorFlow Lite has.
_TYPES = 23
#: The largest magnitude of an int16.
_LARGEST = 1 << 15
_C_TYPES = {"int32": "int32_t", "int64": "int64_t"}


@dataclass(frozen=True)
class Packed:
    """A layer's requantization: fields of its kernel's struct, constants, and `kernel`, its name behind tg_<layer>."""

    kernel: str
    fields: tuple[tuple[str, int], ...]
    constants: tuple[Constant, ...]

    @property
    def struct(self) -> str:
        """The name of the kernel's struct behind tg_<layer>."""
        return "params" if self.kernel == "s8" else "s16_params"


def is_wide(graph: Graph, op: Op, at: int = 2) -> bool:
    """Whether an int16 layer sums in 64 bits: its bias, input `at`, says so, or the type stated where none is."""
    bias = graph.optional(op, at)
    return op.attrs.bias_type != _INT32 if bias is None else bias.dtype != "int32"


def check_bias_type(op: Op, code: int) -> None:
    """Refuses a stated bias type that there is not."""
    if not 0 <= code < _TYPES:
        raise bad_layer(op, f"states the bias type {code}, which TensorFlow Lite does not have")


def check_symmetric(op: Op, *tensors: Tensor) -> None:
    """Refuses zero points: TFLM's int16 layers count from 0 whatever they are."""
    for tensor in tensors:
        zero_point = per_tensor(op, tensor)[1]
        if zero_point:
            raise bad_layer(op, f"{tensor.name!r} is int16 with zero point {zero_point}, needed 0")


def sums(op: Op, magnitudes: Array, bias: Array, multiplier: Array, shift: Array, *, wide: bool) -> Packed:
    """An int16 layer; multiplier and shift hold one value for the layer, or one a channel.

    `magnitudes` are the sums of the weights' magnitudes by channel; `bias` may hold Python's own integers. Where the
    products of a wide sum fit 32 bits and the bias too, the kernel is the one that adds them up there.
    """
    if not wide:
        return Packed("s16_wraps", (), requantization(wrap32(bias).astype(np.int32), multiplier, shift))
    multiplier, shift = reduced_multipliers(op, multiplier, shift)
    reach = [abs(int(b)) + _LARGEST * int(m) for b, m in zip(bias, magnitudes)]
    check_reach(op, reach, multiplier, shift)
    shallow = int(magnitudes.max()) * _LARGEST < 1 << 31 and all(-(1 << 31) <= int(b) < 1 << 31 for b in bias)
    stored = bias.astype(np.int32 if shallow else np.int64)
    return Packed("s16" if shallow else "s16_deep", (), requantization(stored, multiplier, shift))


def weight_sums(w: Array, axis: int) -> Array:
    """The sums of the weights' magnitudes by output channel."""
    others = tuple(d for d in range(w.ndim) if d != axis)
    return np.asarray(np.abs(w.astype(np.int64)).sum(axis=others))


def reduced_multipliers(op: Op, multiplier: Array, shift: Array) -> tuple[Array, Array]:
    """(16-bit multipliers, right shifts) of TFLM's MultiplyByQuantizedMultiplier for int64, x · m / 2^right."""
    reduced = np.minimum((multiplier.astype(np.int64) + (1 << 15)) >> 16, 0x7FFF)
    if shift.max() > 14:
        raise bad_layer(op, f"its scales differ by 2^{shift.max()}; 64-bit sums are defined up to 2^14")
    return reduced.astype(np.int32), (15 - shift.astype(np.int32)).astype(np.int8)


def check_reach(op: Op, reach: list[int], multiplier: Array, right: Array) -> None:
    """Refuses sums that reach so far that their products with the multipliers pass 64 bits: undefined in TFLM."""
    for most, factor, places in np.broadcast(np.array(reach, object), multiplier, right):
        if most * max(1, int(factor)) + (1 << (int(places) - 1)) >= 1 << 63:
            raise bad_layer(op, f"its sums reach {most}, times a multiplier that is beyond 64 bits")


def requantization(bias: Array, multiplier: Array, shift: Array) -> tuple[Constant, ...]:
    """The constants of requantization, in the kernels' order."""
    return (
        Constant("bias", _C_TYPES[bias.dtype.name], bias),
        Constant("multiplier", "int32_t", multiplier),
        Constant("shift", "int8_t", shift),
    )
