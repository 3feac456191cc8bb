"""Functions of one value at the ends of what is defined, on all inputs: tiny and huge scales, every shift."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import draw as d
import draw_ends as ends
import numpy as np
import pytest
from build_tflite import T
from cases import Case, compare, generate, one_op
from hypothesis import strategies as st
from strategies import cases_of

ALL = np.arange(-128, 128).astype(np.int8)
OPTIONS = {"ABS": "AbsOptions", "LEAKY_RELU": "LeakyReluOptions"}
ALPHAS = (0.0, -0.0, 1.0, -1.0, 1e-9, -1e-9, 1e9, -1e9, 3e-39, 0.1, -2.5, 250.0)
TYPES = [(a, b) for a in ("int8", "int16", "int32") for b in ("int8", "int16", "int32") if (a, b) != ("int32", "int32")]


def _all(x: T) -> tuple[tuple[np.ndarray, ...], ...]:
    """The values of an input of 256, in their order."""
    return ((ALL.reshape(x.shape),),)


@cases_of("RELU", "ABS", "LEAKY_RELU")
@st.composite
def _rescaled(draw: st.DrawFn, kind: str) -> Case:
    """The ratio of the scales over the whole range, and of alpha times them too."""
    exponent, ratio = draw(st.sampled_from((-90.0, -20.3, -4.7, 0.0, 30.0))), draw(ends.exponents)
    x = d.q8((256,), ends.power(exponent), draw(d.zero_points))
    y = d.q8((256,), ends.power(exponent - ratio), draw(d.zero_points))
    fields = {}
    if kind == "LEAKY_RELU":
        fields["alpha"] = draw(st.sampled_from([a for a in ALPHAS if abs(a) * 2.0**ratio < 2.0**29]))
    return one_op(kind, [x], y, OPTIONS.get(kind, ""), given=_all(x), **fields)


@cases_of("RSQRT")
@st.composite
def _rsqrt(draw: st.DrawFn) -> Case:
    exponent, ratio = draw(st.integers(-60, 40)), draw(st.integers(-11 * 8, 30 * 8 - 1)) / 8
    x = d.q8((256,), ends.power(exponent), draw(d.zero_points))
    y = d.q8((256,), ends.power(-exponent / 2 - ratio), draw(d.zero_points))
    return one_op("RSQRT", [x], y, given=((np.maximum(ALL, x.zero_points[0]).astype(np.int8),),))


@cases_of("RELU6", "LOGISTIC", "TANH")
@st.composite
def _held(draw: st.DrawFn, kind: str) -> Case:
    """Scales at which one step is next to nothing, and at which it is beyond the range of the result."""
    x = d.q8((256,), ends.power(draw(st.integers(-27 * 4, 34 * 4)) / 4), draw(d.zero_points))
    y = {"RELU6": x, "LOGISTIC": d.q8((256,), 1 / 256, -128), "TANH": d.q8((256,), 1 / 128, 0)}[kind]
    return one_op(kind, [x], y, given=_all(x))


@cases_of("HARD_SWISH", "ELU")
@st.composite
def _soft(draw: st.DrawFn, kind: str) -> Case:
    exponent = draw(st.integers(-30 * 4, 23 * 4)) / 4  # from 2^24 on HARD_SWISH shifts by more than 30
    out = exponent - draw(st.integers(-30 * 4, 7 * 4 - 1)) / 4
    x, y = (d.q8((256,), ends.power(e), draw(d.zero_points)) for e in (exponent, out))
    return one_op(kind, [x], y, given=_all(x))


@st.composite
def _integers(draw: st.DrawFn, dtype: str, exponent: float) -> T:
    """A tensor quantized with a zero point at either end of its type, or within."""
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    zero = 0 if dtype == "int32" else draw(st.sampled_from((low, high, 0, 7)))
    return T((256,), dtype, (ends.power(exponent),), (zero,))


@cases_of("QUANTIZE")
@st.composite
def _requantized(draw: st.DrawFn) -> Case:
    exponent, ratio = draw(st.sampled_from((-90.0, -4.7, 0.0, 60.0))), draw(ends.exponents)
    source, target = draw(st.sampled_from([*TYPES, ("int8", "uint8"), ("uint8", "int8")]))
    x, y = draw(_integers(source, exponent)), draw(_integers(target, exponent - ratio))
    return one_op("QUANTIZE", [x], y, "QuantizeOptions", draw(d.seeds))


@cases_of("QUANTIZE")
@st.composite
def _quantized(draw: st.DrawFn) -> Case:
    """Values of up to 2^30 steps, on halves and beside them."""
    y = draw(_integers(draw(st.sampled_from(("int8", "int16"))), draw(st.sampled_from((-120.0, -9.3, 0.0, 90.0)))))
    generator = np.random.default_rng(draw(d.seeds))
    halves = np.float32(generator.integers(-300, 300, 256) + 0.5) * np.float32(y.scales[0])
    steps = generator.choice([-1.0, 1.0], 256) * 2.0 ** generator.uniform(-3, 30, 256)
    far = (steps * y.scales[0]).astype(np.float32)
    given = ((halves,), (np.nextafter(halves, np.float32(0)),), (np.nextafter(halves, 2 * halves),), (far,))
    return one_op("QUANTIZE", [T((256,), "float32")], y, "QuantizeOptions", given=given)


@cases_of("DEQUANTIZE")
@st.composite
def _dequantized(draw: st.DrawFn) -> Case:
    """Scales from those that are no longer normal to where a value overflows."""
    exponent = draw(st.sampled_from((-149.0, -140.0, -126.0, -20.3, 0.0, 112.0, 127.0)))
    x = draw(_integers(draw(st.sampled_from(("int8", "uint8", "int16"))), exponent))
    return one_op("DEQUANTIZE", [x], T(x.shape, "float32"), "DequantizeOptions", draw(d.seeds))


@pytest.mark.parametrize("kind", ["RELU", "ABS", "LEAKY_RELU"])
def test_every_shift(tmp_path: Path, kind: str) -> None:
    assert compare(generate(_rescaled(kind), 80), tmp_path) > 70


def _some(kinds: Sequence[str]) -> list[tuple[str, st.SearchStrategy[Case]]]:
    return [(kind, _held(kind) if kind in ("RELU6", "LOGISTIC", "TANH") else _soft(kind)) for kind in kinds]


@pytest.mark.parametrize(("kind", "cases"), _some(["RELU6", "LOGISTIC", "TANH", "HARD_SWISH", "ELU"]))
def test_tiny_and_huge_scales(tmp_path: Path, kind: str, cases: st.SearchStrategy[Case]) -> None:
    assert compare(generate(cases, 80), tmp_path) > 50


@pytest.mark.parametrize("cases", [_rsqrt(), _requantized(), _quantized(), _dequantized()], ids=str)
def test_types_and_scales(tmp_path: Path, cases: st.SearchStrategy[Case]) -> None:
    assert compare(generate(cases, 80), tmp_path) > 50
