"""What cases of int16 activations and int8 weights draw from: biases of either type, scales far apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import draw as d
import numpy as np
from build_tflite import T
from cases import Case, importable
from hypothesis import strategies as st

from tinygen.graph.ir import Graph
from tinygen.ops.lowering import lower

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
    """(no bias or one of these types, the options that go with it): magnitudes of all sizes up to a largest."""
    generator = np.random.default_rng((draw(d.seeds), draw(d.seeds), channels))
    dtype = generator.choice([*types, "", *(["stated"] if "int32" in types else [])])
    if dtype in ("", "stated"):
        return [], SUM_IN_32_BITS if dtype else {}
    bits = min(generator.choice((12, 31, 40, 46, 46, 62)), np.iinfo(dtype).bits - 1)
    values = 2.0 ** generator.uniform(bits / 2, bits, channels) * generator.choice((-1, 1), channels)
    products = tuple(float(np.float32(np.float64(x.scales[0]) * s)) for s in w.scales)
    return [T((channels,), str(dtype), products, (0,) * len(products), 0, values.astype(dtype))], {}


def kernels(cases: Sequence[Case]) -> Counter[str]:
    """How many of the cases each kernel computes."""
    found = (importable(case) for case in cases)
    codes = (lower(graph, frozenset())[0].code for graph in found if isinstance(graph, Graph))
    return Counter(code.function for code in codes if code is not None)
