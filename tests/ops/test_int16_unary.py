"""LOGISTIC, TANH, RELU, RELU6, LEAKY_RELU, ABS and RSQRT of int16 on all 65,536 inputs, against the reference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import draw as d
import numpy as np
import pytest
from cases import ROUNDS, Case, compare, generate, one_op
from hypothesis import strategies as st
from strategies import cases_of

ALL = np.arange(-32768, 32768).astype(np.int16).reshape(ROUNDS, -1)
FEW = 61  # of a step that leaves some 270 values a round
FREE = ("RELU6", "LEAKY_RELU")  # of zero points
zero_points = st.sampled_from((0, 0, 1, -300, 32767, -32768))
alphas = st.sampled_from((0.0, 0.01, 0.2, 0.3, 1.0, 1.7, -0.4))


def _given(step: int) -> tuple[tuple[np.ndarray], ...]:
    """All inputs in rounds, or one of `step` of them."""
    return tuple((part[::step],) for part in ALL)


@cases_of("RELU", "RELU6", "LEAKY_RELU", "ABS", "RSQRT", step=FEW)
@st.composite
def rescaled(draw: st.DrawFn, kind: str, step: int = 1) -> Case:
    """Scales whose ratio goes from 2^-13 to 2^9, now and then to all that is defined."""
    given = _given(step)
    x = d.q16(given[0][0].shape, draw(d.scales(-18, 2)))
    unit = x.scales[0] if kind != "RSQRT" else x.scales[0] ** -0.5 / 20000
    low, high = draw(st.sampled_from(((-9, 13), (-9, 13), (-9, 13), (-14, 32))))
    y = d.q16(x.shape, float(np.float32(unit * 2.0 ** draw(st.floats(low, high)))))
    if draw(st.integers(0, 2)) == 2:
        y = replace(y, scales=(draw(d.rational(unit)) if draw(st.booleans()) else x.scales[0],))
    if kind in FREE or draw(st.integers(0, 12)) == 7:
        x, y = (replace(t, zero_points=(draw(zero_points),)) for t in (x, y))
    options, fields = ("LeakyReluOptions", {"alpha": draw(alphas)}) if kind == "LEAKY_RELU" else ("", {})
    if kind == "RSQRT":  # the reference stops at values below the zero point
        given = tuple((np.maximum(part, 0),) for (part,) in given[2:])
    return one_op(kind, [x], y, options, given=given, **fields)


def _overflows(_case: Case, refusal: str) -> bool:
    """Left shifts at which the reference's 32 bits overflow, which is formally undefined in it."""
    return "ask for a left shift of" in refusal


@pytest.mark.parametrize("kind", ["RELU", "RELU6", "LEAKY_RELU", "ABS", "RSQRT"])
def test_rescaling(tmp_path: Path, kind: str) -> None:
    assert compare(generate(rescaled(kind), 50), tmp_path, _overflows) > 35


@cases_of("LOGISTIC", "TANH", step=FEW)
@st.composite
def saturating(draw: st.DrawFn, kind: str, step: int = 1) -> Case:
    """Input scales from 2^-24 to beyond what is taken; powers of two, and what is near enough to count as one."""
    scale = draw(d.scales(-24, 2))
    if draw(st.integers(0, 2)) == 2:
        near = draw(st.sampled_from((1.0, 1.0, 1.0005, 0.9995, 1.0009, 0.999)))
        scale = float(np.float32(2.0 ** draw(st.integers(-14, -9)) * near))
    near_2_15 = draw(st.sampled_from((1.0, 1.0, 1.0, 1.0003, 0.9996, 1.002)))
    given = _given(step)
    x, y = (d.q16(given[0][0].shape, s) for s in (scale, float(np.float32(2.0**-15 * near_2_15))))
    if draw(st.integers(0, 12)) == 7:
        which = draw(st.booleans())
        x, y = replace(x, zero_points=(int(which),)), replace(y, zero_points=(int(not which),))
    return one_op(kind, [x], y, given=given)


def _out_of_range(_case: Case, refusal: str) -> bool:
    """Above, a check that the reference's release build leaves out stops it; below, its shift is undefined."""
    return "is beyond what TensorFlow Lite Micro takes" in refusal


@pytest.mark.parametrize("kind", ["LOGISTIC", "TANH"])
def test_saturating(tmp_path: Path, kind: str) -> None:
    assert compare(generate(saturating(kind), 80), tmp_path, _out_of_range) > 50


@pytest.mark.parametrize("kind", ["LOGISTIC", "TANH"])
def test_ends_of_the_scales(tmp_path: Path, kind: str) -> None:
    """The largest multiplier, and the right shift at which the search for one ends."""
    scales = [32767.9 / 12288, 2.0**-12, 2.0**-11, 2.0**-10, 2.0**-13, *(2.0**-e for e in (28, 29, 30, 31, 32, 44))]
    scales += [32768.0 / 12288, 2.0**-45, 2.0**-126]  # beyond: the multiplier is 0 or has 16 bits
    cases = [
        one_op(kind, [d.q16(ALL[0].shape, float(np.float32(s)))], d.q16(ALL[0].shape, 2.0**-15), given=_given(1))
        for s in scales
    ]
    assert compare(cases, tmp_path, _out_of_range) == len(cases) - 3


@pytest.mark.parametrize(("kind", "most"), [("RELU", 16), ("LEAKY_RELU", 16), ("ABS", 15)])
def test_largest_left_shift(tmp_path: Path, kind: str, most: int) -> None:
    """Up to where no value passes 32 bits; one more is refused."""
    options, fields = ("LeakyReluOptions", {"alpha": 1.0}) if kind == "LEAKY_RELU" else ("", {})
    scales = [float(np.float32(0.8 * 2.0**-e)) for e in (most - 1, most)]
    cases = [
        one_op(kind, [d.q16(ALL[0].shape, 1.0)], d.q16(ALL[0].shape, s), options, given=_given(1), **fields)
        for s in scales
    ]
    assert compare(cases, tmp_path, _overflows) == 1
