"""What viper kernels read: fields of 32 bits by name, biases, and multipliers with shifts in 16 bits each."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

#: Sums that stay within it cannot pass 32 bits in any step of requantization; a bias is stored with it added.
HALF = 1 << 30
#: What a stride, which may be negative, is stored with added.
STRIDE = 1 << 29
#: int8 lies in the arena as uint8, this much more.
SIGN = 128

_TENSORS = ("x", "y")
_WINDOW = (
    "batches", "in_h", "in_w", "in_c", "out_h", "out_w", "kernel_h", "kernel_w", "stride_h", "stride_w",
    "dilation_h", "dilation_w", "pad_top", "pad_left", "in_zero",
)  # fmt: skip
_PUT = ("zero", "low", "high", "half", "scales")
_POOL = (
    "batches", "in_h", "in_w", "channels", "out_h", "out_w", "kernel_h", "kernel_w", "stride_h", "stride_w",
    "pad_top", "pad_left", "low", "high",
)  # fmt: skip
_LOOPS = ("x2", "count", "starts", "outer", "outer_x", "outer_x2", "inner", "inner_x", "inner_x2")
_ZEROS = ("zero1", "zero2")
_REDUCE = tuple(f"{name}{i}" for name in ("kept", "kept_stride", "reduced", "reduced_stride") for i in range(3))

#: The fields of each kernel's words, in order; templates/micropython/viper/<kernel>.py.j2 reads them.
FIELDS: dict[str, tuple[str, ...]] = {
    "matmul": (*_TENSORS, "rows", "depth", "out_c", *_PUT, "scale_step", "bias"),
    "conv2d": (*_TENSORS, *_WINDOW, "depth", "group_c", "group_filters", *_PUT, "scale_step", "bias"),
    "depthwise_conv2d": (*_TENSORS, *_WINDOW, "depth_multiplier", *_PUT, "scale_step", "bias"),
    "average_pool": (*_TENSORS, *_POOL),
    "max_pool": (*_TENSORS, *_POOL),
    "softmax": (*_TENSORS, "rows", "depth", "table_size", "slope", "start", "most", "exp"),
    "add": (*_TENSORS, *_LOOPS, *_ZEROS, "first_down", "second_down", *_PUT),
    "mul": (*_TENSORS, *_LOOPS, *_ZEROS, *_PUT),
    "extreme": (*_TENSORS, *_LOOPS, "smaller"),
    "mean": (*_TENSORS, *_REDUCE, "start", *_PUT),
    "lut": (*_TENSORS, "count"),
    "move": (*_TENSORS, "count", "starts", "outer", "outer_x", "outer_y", "inner", "inner_x", "inner_y", "chunk"),
    "fill": ("y", "count", "value"),
    "carry": (*_TENSORS, "count", "turn"),
}


@dataclass(frozen=True)
class Call:
    """One call of a kernel: `other` is its second operand's bytes, None where that lies in the arena."""

    kernel: str
    words: bytes
    other: bytes | None = None


def call(kernel: str, fields: Mapping[str, int], other: bytes | None = None, **tails: bytes) -> Call:
    """The call with its words: `tails` follow the fields, each field of its name is the tail's place in bytes."""
    values, at = dict(fields), 4 * len(FIELDS[kernel])
    for name, tail in tails.items():
        values[name] = at
        at += len(tail)
    if set(values) != set(FIELDS[kernel]):
        raise ValueError(f"{kernel}: fields {sorted(set(values) ^ set(FIELDS[kernel]))}")
    head = struct.pack(f"<{len(values)}I", *(values[name] for name in FIELDS[kernel]))
    data = head + b"".join(tails.values())
    return Call(kernel, data + bytes(-len(data) % 4), other)


def scale_row(multiplier: int, shift: int, bound: int) -> bytes:
    """Six bytes of a multiplier and a shift for sums of magnitude up to `bound`.

    The multiplier stands as high * 65536 + low with a signed low half, stored plus 32768, so that the products of
    halves fit 32 bits. The shift is one less than the places to the right; else 32768 + 32 * right + left.
    """
    low = (multiplier & 0xFFFF ^ 0x8000) - 0x8000
    right, left = max(-shift, 0), max(shift, 0)
    quick = right > 0 and bound <= HALF
    return struct.pack("<3H", multiplier - low >> 16, low + 0x8000, right - 1 if quick else 0x8000 + 32 * right + left)


def biases(values: Iterable[int]) -> bytes:
    """Biases modulo 2^32 with HALF added."""
    found = [(value + HALF) % 2**32 for value in values]
    return struct.pack(f"<{len(found)}I", *found)


def stride(value: int) -> int:
    """A stride as it is stored."""
    return value + STRIDE
