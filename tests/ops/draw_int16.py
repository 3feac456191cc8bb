"""What cases of int16 activations and int8 weights draw from: biases of either type, scales far apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import draw as d
import numpy as np
from build_tflite import T
from cases import Case
from hypothesis import strategies as st

#: The type code with which a file asks for sums of 32 bits where there is no bias.
SUM_IN_32_BITS = {"quantizedBiasType": 2}
#: What 64-bit sums are undefined on in the reference: it computes something, whatever the compiler made of it.
UNDEFINED = ("64-bit sums are defined up to 2^14", "beyond 64 bits")


def undefined(_case: Case, refusal: str) -> bool:
    """The reference's wheel does not check; shifts and products beyond 64 bits have no meaning in it."""
    return any(text in refusal for text in UNDEFINED)


def q16(shape: Sequence[int], scale: float, zero_point: int = 0) -> T:
    """An int16 activation."""
    return T(tuple(shape), "int16", (scale,), (zero_point,))


@st.composite
def activations(draw: st.DrawFn, shape: Sequence[int]) -> T:
    """An int16 activation of a given shape."""
    return q16(shape, draw(d.scales(-14, -4)))


@st.composite
def weights(draw: st.DrawFn, shape: Sequence[int], axis: int | None) -> T:
    """int8 weights: now and then all zero, and now and then of channels whose shifts are far apart."""
    w = draw(d.weights(shape, axis))
    kind = draw(st.integers(0, 7))
    if kind == 0:
        return replace(w, data=np.zeros(shape, np.int8))
    if kind < 4 and len(w.scales) > 1:
        factors = 2.0 ** np.random.default_rng(draw(d.seeds)).uniform(-12, 16, len(w.scales))
        return replace(w, scales=tuple(float(np.float32(s * f)) for s, f in zip(w.scales, factors)))
    return w


@st.composite
def output(draw: st.DrawFn, shape: Sequence[int], x: T, w: T, depth: int) -> T:
    """An output that uses its range, or one far off it: multipliers up to the largest, and ones that flush to 0."""
    spread = draw(st.one_of(st.integers(-3, 3), st.integers(-3, 3), st.integers(-19, 27)))
    return q16(shape, d.output_scale(x, w, depth, spread))


@st.composite
def bias(
    draw: st.DrawFn, x: T, w: T, channels: int, types: Sequence[str] = ("int64",)
) -> tuple[list[T], dict[str, Any]]:
    """(no bias or one of these types, the options that go with it): small, large, at the ends of its type's range."""
    dtype = draw(st.sampled_from((*types, "", *(["stated"] if "int32" in types else []))))
    if dtype in ("", "stated"):
        return [], SUM_IN_32_BITS if dtype else {}
    most = np.iinfo(dtype).max
    limit = min(most, draw(st.sampled_from((1 << 12, 1 << 20, 1 << 31, 1 << 31, 1 << 40, 1 << 47, 1 << 62))))
    values = np.random.default_rng(draw(d.seeds)).integers(-limit, limit, channels).astype(dtype)
    products = tuple(float(np.float32(np.float64(x.scales[0]) * s)) for s in w.scales)
    return [T((channels,), dtype, products, (0,) * len(products), 0, values)], {}
