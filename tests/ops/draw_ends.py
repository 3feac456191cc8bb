"""Draws from the ends of what the reference defines: multipliers from nothing to 2^30, biases that wrap, no width."""

from __future__ import annotations

import math
from collections.abc import Sequence

import draw as d
import numpy as np
from build_tflite import T
from hypothesis import strategies as st

INT32 = np.iinfo(np.int32)
#: Exponents of real multipliers: those below 2^-32 flush to 0, from 2^30 on they are undefined.
LEAST, MOST = -34.0, 29.95
CHANNELS = (1, 2, 3, 4, 16, 17, 31, 33)

#: Exponents of a real multiplier over the whole range, its ends more often.
exponents = st.one_of(
    st.sampled_from((LEAST, -33.0, -32.0, -31.5, -31.0, -30.0, -1.0, 0.0, 1.0, 29.0, MOST)),
    st.integers(int(LEAST * 8), int(MOST * 8)).map(lambda n: n / 8),
    st.integers(-14 * 8, -4 * 8).map(lambda n: n / 8),
)


def power(exponent: float) -> float:
    """2^exponent as a float32."""
    return float(np.float32(2.0**exponent))


@st.composite
def fused(draw: st.DrawFn, scale: float) -> int:
    """A fused activation; none with a bound above 0 where the output's scale would put it beyond 32 bits."""
    return draw(d.fused if scale > 1e-8 else st.integers(0, 1))


@st.composite
def output(draw: st.DrawFn, shape: Sequence[int]) -> tuple[T, int]:
    """(an int8 output, the code of a fused activation): now and then one that leaves a single value."""
    if draw(st.integers(0, 4)) == 4:
        return d.q8(shape, draw(st.sampled_from((13.0, 1e6))), draw(d.zero_points)), draw(st.sampled_from((2, 3)))
    scale = power(draw(st.sampled_from((0.0, -6.0, -6.3, 2.1, -20.0))))
    return d.q8(shape, scale, draw(st.sampled_from((-128, 127, 0, 5)))), draw(d.fused)


@st.composite
def weights(draw: st.DrawFn, x: T, y: T, shape: Sequence[int], axis: int | None) -> T:
    """Weights whose channels differ in multiplier as in fill: nothing, one value, the extremes, anything."""
    generator = np.random.default_rng(draw(d.seeds))
    count = 1 if axis is None else shape[axis]
    way = draw(st.sampled_from(("whole range", "mixed signs", "one end", "as in models")))
    if way == "one end":
        powers = np.full(count, draw(exponents))
    else:
        low, high = {"whole range": (LEAST, MOST), "mixed signs": (-3.0, 3.0), "as in models": (-14.0, -6.0)}[way]
        powers = generator.uniform(low, high, count)
    if draw(st.booleans()):
        powers = np.floor(powers)
    scales = tuple(power(e + math.log2(y.scales[0]) - math.log2(x.scales[0])) for e in powers)
    size = math.prod(shape)
    channels = 1 if axis is None else shape[axis]
    fills = [generator.integers(-128, 128, size), *(np.full(size, n) for n in (0, 127, -128))]
    fills += [generator.choice([-128, 127], size), generator.integers(-1, 2, size)]
    picked = generator.choice(len(fills), channels, p=(0.4, 0.2, 0.1, 0.1, 0.1, 0.1))
    chosen = np.stack([fill.reshape(shape) for fill in fills])
    along = [1] * len(shape)
    if axis is not None:
        along[axis] = channels
    data = np.take_along_axis(chosen, picked.reshape(1, *along), 0)[0]
    return T(tuple(shape), "int8", scales, (0,) * count, axis or 0, data.astype(np.int8))


@st.composite
def biases(draw: st.DrawFn, x: T, w: T, channels: int) -> list[T]:
    """No bias, or one of small and of the largest values: accumulators wrap."""
    if draw(st.integers(0, 3)) == 3:
        return []
    generator = np.random.default_rng(draw(d.seeds))
    values = generator.integers(-64, 64, channels) << generator.integers(0, 12, channels)
    if draw(st.booleans()):
        ends = np.array([INT32.min, INT32.min + 1, INT32.max, INT32.max - 9000, 1 << 30, -(1 << 30), 0])
        values = np.where(generator.integers(0, 2, channels) > 0, generator.choice(ends, channels), values)
    products = tuple(float(np.float32(x.scales[0] * scale)) for scale in w.scales)
    return [T((channels,), "int32", products, (0,) * len(products), 0, values.astype(np.int32))]
