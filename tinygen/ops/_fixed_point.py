"""TensorFlow Lite's fixed-point arithmetic in Python: multipliers, fused ranges, and requantization on arrays.

Every function follows the reference kernels step by step; float32 and double are kept apart as they keep them.
"""

from __future__ import annotations

import math

import numpy as np

from ..graph.ir import Array, Op, Tensor
from .base import activation_name, bad_layer, per_tensor

RANGES = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}

#: How C names the types of activations.
SHORT = {"int8": "s8", "int16": "s16"}


def round_half_away(value: float) -> int:
    """C's round()."""
    return math.floor(abs(value) + 0.5) * (1 if value >= 0 else -1)


def quantize_multiplier(real: float) -> tuple[int, int]:
    """(multiplier, shift) with real ≈ multiplier · 2^(shift - 31), multiplier in [2^30, 2^31); (0, 0) below 2^-32.

    TFLM's QuantizeMultiplier for double rounding. A positive shift is to the left.
    """
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(real)
    fixed = round_half_away(fraction * (1 << 31))
    if fixed == 1 << 31:
        fixed //= 2
        shift += 1
    return (0, 0) if shift < -31 else (fixed, shift)


def checked_multiplier(op: Op, real: float, largest: int = 1) -> tuple[int, int]:
    """quantize_multiplier, refused where TFLM's arithmetic is undefined: `largest`, shifted left, passes 32 bits."""
    if not math.isfinite(real) or real < 0:
        raise bad_layer(op, f"its scales give the multiplier {real}")
    multiplier, shift = quantize_multiplier(real)
    most = 31 - max(1, largest).bit_length()
    if shift > most:
        raise bad_layer(
            op, f"its scales ask for a left shift of {shift}, TensorFlow Lite Micro is defined up to {most}"
        )
    return multiplier, shift


def reach(op: Op, tensor: Tensor) -> tuple[int, int]:
    """(above, below): a tensor minus its zero point lies between -below - 1 and above.

    Of the two's complement's one more value below 0, `below` leaves one out, as INT_MAX does of INT_MIN.
    """
    (low, high), (_, zero_point) = RANGES[tensor.dtype], per_tensor(op, tensor)
    return high - zero_point, zero_point - low - 1


def multiply(x: Array, multiplier: Array | int, shift: Array | int) -> Array:
    """MultiplyByQuantizedMultiplier with double rounding on int32 values held in int64 arrays."""
    left = np.maximum(shift, 0)
    right = np.maximum(-np.asarray(shift), 0)
    wrapped = wrap32(np.asarray(x, np.int64) << left)
    high = (wrapped * np.asarray(multiplier, np.int64) + (1 << 30)) >> 31
    mask = (np.int64(1) << right) - 1
    threshold = (mask >> 1) + (high < 0)
    return np.asarray((high >> right) + ((high & mask) > threshold))


def requantized(x: int, multiplier: int, shift: int, zero_point: int) -> int:
    """One value through multiply, plus the zero point, on Python's integers; not yet held to a type."""
    high = (_wrapped(x << max(shift, 0)) * multiplier + (1 << 30)) >> 31
    right = max(-shift, 0)
    mask = (1 << right) - 1
    rounded = (high >> right) + ((high & mask) > (mask >> 1) + (high < 0))
    return _wrapped(rounded + zero_point)


def float32_bits(value: float) -> int:
    """The bit pattern of a float32 as an int32: how descriptors carry it."""
    return int(np.float32(value).view(np.int32))


def _wrapped(x: int) -> int:
    return ((x + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)


def wrap32(x: Array) -> Array:
    """An integer wrapped to int32, held in int64."""
    return ((np.asarray(x, np.int64) + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)


def activation_range(op: Op, code: int, output: Tensor) -> tuple[int, int]:
    """The fused activation's bounds in the output's quantized units (CalculateActivationRangeQuantized)."""
    name = activation_name(op, code)
    low, high = RANGES[output.dtype]
    scale, zero_point = per_tensor(op, output)

    def quantized(real: float) -> int:
        with np.errstate(over="ignore"):
            real_steps = float(np.float32(real) / np.float32(scale))
        steps = round_half_away(real_steps) if abs(real_steps) < 2**32 else 2**32
        if any(not -(2**31) <= value < 2**31 for value in (steps, zero_point + steps)):
            raise bad_layer(op, f"output scale {scale} is too small for its fused {name}")
        return zero_point + steps

    if name in ("RELU", "RELU6"):
        low = max(low, quantized(0.0))
    if name == "RELU6":
        high = min(high, quantized(6.0))
    if name == "RELU_N1_TO_1":
        low, high = max(low, quantized(-1.0)), min(high, quantized(1.0))
    if low > high:
        raise bad_layer(op, f"its fused {name} leaves no output between {low} and {high}")
    return low, high


def channel_multipliers(op: Op, x: Tensor, weights: Tensor, y: Tensor, channels: int, axis: int) -> tuple[Array, Array]:
    """Per-channel (multiplier int32, shift int8) of a convolution: in double, as TFLM takes them."""
    in_scale, _ = per_tensor(op, x)
    out_scale, _ = per_tensor(op, y)
    if weights.quant is None:
        raise bad_layer(op, "its weights are not quantized")
    scales = weights.quant.scales
    if len(scales) not in (1, channels):
        raise bad_layer(op, f"{len(scales)} weight scales for {channels} output channels")
    if len(scales) > 1 and weights.quant.axis != axis:
        raise bad_layer(op, f"weights quantized along axis {weights.quant.axis}, needed {axis}")
    if any(weights.quant.zero_points):
        raise bad_layer(op, "its weights have a zero point; only symmetric weights are defined")
    pairs = [checked_multiplier(op, in_scale * s / out_scale) for s in scales]
    if len(pairs) == 1:
        pairs *= channels
    multipliers, shifts = zip(*pairs)
    return np.array(multipliers, np.int32), np.array(shifts, np.int8)
