"""What every operator's cases draw from: scales, zero points, shapes, quantized tensors, biases."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from build_tflite import T
from hypothesis import strategies as st

seeds = st.integers(0, 2**31 - 1)
zero_points = st.one_of(st.sampled_from((-128, 127, 0)), st.integers(-128, 127))
fused = st.sampled_from((0, 0, 1, 2, 3))


@st.composite
def scales(draw: st.DrawFn, low: float = -10.0, high: float = 2.0) -> float:
    """A float32 between 2^low and 2^high, now and then a power of two."""
    exponent = draw(st.integers(int(low * 64), int(high * 64))) / 64
    if draw(st.integers(0, 7)) == 0:
        exponent = round(exponent)
    return float(np.float32(2.0**exponent))


_small = st.integers(1, 7)


@st.composite
def rational(draw: st.DrawFn, scale: float) -> float:
    """`scale` times a small fraction, as a float32: results fall on halves, where the last bit of a ratio decides."""
    above, below = draw(st.one_of(st.tuples(st.just(2), st.sampled_from((3, 5, 7, 9))), st.tuples(_small, _small)))
    return float(np.float32(scale * above / below))


@st.composite
def shapes(draw: st.DrawFn, low: int = 1, high: int = 5, size: int = 400) -> tuple[int, ...]:
    """A shape of `low` to `high` dimensions with at most `size` elements."""
    shape: list[int] = []
    for _ in range(draw(st.integers(low, high))):
        room = size // max(1, math.prod(shape))
        shape.append(draw(st.integers(1, max(1, min(room, 9)))))
    return tuple(shape)


def q8(shape: Sequence[int], scale: float, zero_point: int, dtype: str = "int8") -> T:
    """An activation quantized as a whole."""
    return T(tuple(shape), dtype, (scale,), (zero_point,))


def q16(shape: Sequence[int], scale: float, zero_point: int = 0) -> T:
    """An int16 activation quantized as a whole."""
    return q8(shape, scale, zero_point, "int16")


@st.composite
def broadcast(draw: st.DrawFn, shape: Sequence[int]) -> tuple[int, ...]:
    """`shape` with dimensions of 1 and without leading ones, now and then."""
    drop = draw(st.integers(0, len(shape) - 1)) if draw(st.integers(0, 3)) == 0 else 0
    return tuple(1 if draw(st.integers(0, 3)) == 0 else n for n in shape[drop:])


@st.composite
def activations(draw: st.DrawFn, shape: Sequence[int], low: float = -10.0, high: float = 2.0) -> T:
    """An int8 activation of a given shape."""
    return q8(shape, draw(scales(low, high)), draw(zero_points))


@st.composite
def weights(draw: st.DrawFn, shape: Sequence[int], axis: int | None) -> T:
    """Constant int8 weights with a scale each slice along `axis`, or one."""
    generator = np.random.default_rng(draw(seeds))
    extreme = draw(st.integers(0, 3)) == 0
    size = math.prod(shape)
    data = (
        generator.choice(np.array([-128, 127, -127], np.int8), size) if extreme else generator.integers(-128, 128, size)
    )
    count = 1 if axis is None else shape[axis]
    base = draw(scales(-10, -2))
    factors = 2.0 ** generator.uniform(-2, 2, count)
    values = tuple(float(np.float32(base * f)) for f in factors)
    return T(tuple(shape), "int8", values, (0,) * count, axis or 0, np.asarray(data, np.int8).reshape(shape))


def bias(x: T, w: T, channels: int, seed: int, limit: int = 1 << 16) -> T:
    """A constant int32 bias with the scales' products."""
    values = np.random.default_rng(seed).integers(-limit, limit, channels).astype(np.int32)
    products = tuple(float(np.float32(np.float64(x.scales[0]) * s)) for s in w.scales)
    return T((channels,), "int32", products, (0,) * len(products), 0, values)


def output_scale(x: T, w: T, depth: int, spread: int) -> float:
    """A scale near which outputs of `depth` products use the range; `spread` moves it by powers of two."""
    return float(np.float32(x.scales[0] * w.scales[0] * math.sqrt(depth) * 60.0 * 2.0**spread))
