"""Operators of two operands at the ends of what is defined: scales far apart, ratios that flush to zero."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import draw as d
import draw_ends as ends
import numpy as np
import pytest
from build_tflite import T
from cases import ROUNDS, Case, compare, generate, one_op
from hypothesis import strategies as st
from strategies import cases_of

SUMS = {"ADD": "AddOptions", "SUB": "SubOptions"}
COMPARED = ("EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL")
shapes = st.sampled_from(((1,), (1, 17), (3, 5, 2), (64,)))


@st.composite
def _operand(draw: st.DrawFn, shape: Sequence[int], exponent: float) -> T:
    """An operand with a scale of 2^exponent: all values, or few near its zero point."""
    return d.q8(shape, ends.power(exponent), draw(d.zero_points))


def _near(tensors: Sequence[T], seed: int) -> tuple[tuple[np.ndarray, ...], ...]:
    """Samples of which half lie beside the zero point, where products and differences are small."""
    generator = np.random.default_rng(seed)

    def values(t: T) -> np.ndarray:
        anything = generator.integers(-128, 128, t.shape)
        beside = np.clip(t.zero_points[0] + generator.integers(-2, 3, t.shape), -128, 127)
        return np.where(generator.integers(0, 2, t.shape) > 0, anything, beside).astype(np.int8)

    return tuple(tuple(values(t) for t in tensors) for _ in range(ROUNDS))


@cases_of(*SUMS)
@st.composite
def _sum(draw: st.DrawFn, kind: str) -> Case:
    """Scales up to 2^40 apart; the output's down to 2^-20 of twice the larger, where the reference's range ends."""
    shape, larger = draw(shapes), draw(st.sampled_from((-100.0, -6.3, 0.0, 90.0)))
    apart = draw(st.sampled_from((0.0, 0.3, 7.5, 29.0, 30.0, 31.0, 32.0, 40.0)))
    operands = [draw(_operand(shape, e)) for e in draw(st.permutations((larger, larger - apart)))]
    below = draw(st.sampled_from((-18.99, -18.5, -12.0, -3.0, -0.7, 0.0, 0.4, 1.0, 2.3, 7.0, 12.0, 13.0, 14.0, 25.0)))
    y = d.q8(shape, ends.power(larger + below), draw(d.zero_points))
    given, fused = _near(operands, draw(d.seeds)), draw(ends.fused(y.scales[0]))
    return one_op(kind, operands, y, SUMS[kind], given=given, fusedActivationFunction=fused)


@cases_of("MUL")
@st.composite
def _product(draw: st.DrawFn) -> Case:
    shape, first, second = draw(shapes), draw(st.integers(-60, 20)), draw(st.integers(-60, 20))
    operands = [draw(_operand(shape, e)) for e in (first, second)]
    y = d.q8(shape, ends.power(first + second - draw(ends.exponents)), draw(d.zero_points))
    given = _near(operands, draw(d.seeds))
    return one_op("MUL", operands, y, "MulOptions", given=given, fusedActivationFunction=draw(ends.fused(y.scales[0])))


@cases_of("SQUARED_DIFFERENCE")
@st.composite
def _squared_difference(draw: st.DrawFn) -> Case:
    shape, larger = draw(shapes), draw(st.sampled_from((-40.0, -6.3, 0.0, 30.0)))
    apart = draw(st.sampled_from((0.0, 0.3, 7.5, 29.0, 30.0, 31.0, 40.0)))
    operands = [draw(_operand(shape, e)) for e in draw(st.permutations((larger, larger - apart)))]
    y = d.q8(shape, ends.power(2 * larger + 2 - 14 - draw(ends.exponents)), draw(d.zero_points))
    return one_op("SQUARED_DIFFERENCE", operands, y, "", given=_near(operands, draw(d.seeds)))


def _divisible(a: T, b: T, ratio: float, seed: int) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Samples at which the reference does not stop: no divisor of 0, and a shift from -31 to 0."""
    numbers = np.arange(-128, 128)
    divisors = numbers - b.zero_points[0]
    dividends = (numbers - a.zero_points[0])[:, None] * np.sign(divisors)
    spare = 31 - np.frexp(np.where(dividends < 0, ~dividends, dividends))[1]
    shift = math.frexp(ratio)[1] - spare - np.frexp(abs(divisors))[1] + 1
    fine = np.argwhere((shift >= -31) & (shift <= 0) & (divisors != 0))
    picked = fine[np.random.default_rng(seed).integers(0, len(fine), (ROUNDS, *a.shape))]
    return tuple((numbers[pair[..., 0]].astype(np.int8), numbers[pair[..., 1]].astype(np.int8)) for pair in picked)


@cases_of("DIV")
@st.composite
def _quotient(draw: st.DrawFn) -> Case:
    shape = draw(shapes)
    a, b = (draw(_operand(shape, draw(st.integers(-12, 4)))) for _ in range(2))
    wanted = draw(st.integers(-3 * 8, 30 * 8 - 1)) / 8
    y = d.q8(shape, ends.power(np.log2(a.scales[0] / b.scales[0]) - wanted), draw(d.zero_points))
    given = _divisible(a, b, a.scales[0] / (b.scales[0] * y.scales[0]), draw(d.seeds))
    return one_op("DIV", [a, b], y, "DivOptions", given=given, fusedActivationFunction=draw(ends.fused(y.scales[0])))


@cases_of("PRELU")
@st.composite
def _prelu(draw: st.DrawFn) -> Case:
    shape, exponent = draw(shapes), draw(st.integers(-30, 20))
    x = draw(_operand(shape, exponent))
    positive = draw(ends.exponents)
    y = d.q8(shape, ends.power(exponent - positive), draw(d.zero_points))
    alpha = draw(_operand(shape, draw(ends.exponents) - positive))
    return one_op("PRELU", [x, alpha], y, given=_near([x, alpha], draw(d.seeds)))


@cases_of(*COMPARED)
@st.composite
def _comparison(draw: st.DrawFn, kind: str) -> Case:
    """Scales from just below 1 to those whose multiplier is 0."""
    shape = draw(shapes)
    first = draw(st.sampled_from((-0.01, -1.0, -7.7, -24.0, -30.5, -31.0, -32.0, -33.0, -60.0)))
    second = draw(st.sampled_from((first, first - 0.01, first - 1, first - 8, -33.0)))
    operands = [draw(_operand(shape, e)) for e in draw(st.permutations((first, second)))]
    return one_op(kind, operands, T(shape, "bool"), given=_near(operands, draw(d.seeds)))


@pytest.mark.parametrize("kind", SUMS)
def test_scales_as_far_apart_as_may_be(tmp_path: Path, kind: str) -> None:
    assert compare(generate(_sum(kind), 100), tmp_path) > 90


@pytest.mark.parametrize("cases", [_product, _squared_difference, _quotient, _prelu])
def test_every_shift(tmp_path: Path, cases: Callable[[], st.SearchStrategy[Case]]) -> None:
    assert compare(generate(cases(), 100), tmp_path) > 90


@pytest.mark.parametrize("kind", COMPARED)
def test_scales_from_nothing_to_one(tmp_path: Path, kind: str) -> None:
    assert compare(generate(_comparison(kind), 30), tmp_path) > 20
