"""Fixed-point edges: multipliers, both signs of shift, ranges of fused activations, gemmlowp's functions."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygen.errors import BadInput
from tinygen.graph.ir import Op, Quant, Tensor
from tinygen.ops._fixed_point import (
    activation_range,
    checked_multiplier,
    float32_bits,
    multiply,
    quantize_multiplier,
    requantized,
    round_half_away,
    wrap32,
)
from tinygen.ops._gemmlowp import divide_by_pot, exp_on_negative, high_mul, logistic, tanh
from tinygen.ops.mean import mean_multiplier

OP = Op("ADD", "layer", (0, 1), (2,))


@given(st.floats(2.0**-30, 2.0**29))
def test_multiplier_is_the_nearest_of_31_bits(real: float) -> None:
    multiplier, shift = quantize_multiplier(real)
    assert 2**30 <= multiplier < 2**31
    assert abs(Fraction(multiplier) * Fraction(2) ** (shift - 31) - Fraction(real)) <= Fraction(2) ** (shift - 32)


@pytest.mark.parametrize(
    ("real", "pair"),
    [
        (0.0, (0, 0)),
        (1.0, (2**30, 1)),
        (0.5, (2**30, 0)),
        (math.nextafter(1.0, 0.0), (2**30, 1)),  # rounds up to the next power of two
        (2.0**-32, (2**30, -31)),
        (math.nextafter(2.0**-32, 0.0), (2**30, -31)),
        (2.0**-33, (0, 0)),
    ],
)
def test_multiplier_at_its_edges(real: float, pair: tuple[int, int]) -> None:
    assert quantize_multiplier(real) == pair


@pytest.mark.parametrize("real", [2.0**30, math.inf, math.nan, -1.0])
def test_multipliers_beyond_the_reference_are_refused(real: float) -> None:
    with pytest.raises(BadInput, match="layer"):
        checked_multiplier(OP, real)


def _rounded(value: Fraction) -> int:
    """To the nearest, ties away from zero."""
    return math.floor(abs(value) + Fraction(1, 2)) * (1 if value >= 0 else -1)


@given(st.integers(-(2**31), 2**31 - 1), st.integers(2**30, 2**31 - 1), st.integers(-31, 0))
def test_two_roundings_to_the_right(x: int, multiplier: int, shift: int) -> None:
    first = math.floor(Fraction(x * multiplier, 2**31) + Fraction(1, 2))
    assert int(multiply(np.int64(x), multiplier, shift)) == _rounded(Fraction(first, 2**-shift))


@given(st.integers(-(2**20), 2**20), st.integers(2**30, 2**31 - 1), st.integers(0, 10))
def test_left_shift_comes_first(x: int, multiplier: int, shift: int) -> None:
    assert (
        requantized(x, multiplier, shift, 7)
        == math.floor(Fraction((x << shift) * multiplier, 2**31) + Fraction(1, 2)) + 7
    )


@given(st.integers(-(2**40), 2**40))
def test_wrapping_is_modulo_two_to_the_32(x: int) -> None:
    wrapped = int(wrap32(np.int64(x)))
    assert -(2**31) <= wrapped < 2**31 and (wrapped - x) % 2**32 == 0


@pytest.mark.parametrize(("value", "rounded"), [(0.5, 1), (-0.5, -1), (1.49, 1), (-1.5, -2), (2.5, 3), (0.0, 0)])
def test_round_half_away(value: float, rounded: int) -> None:
    assert round_half_away(value) == rounded


@pytest.mark.parametrize(
    ("code", "scale", "zero_point", "expected"),
    [
        (0, 0.1, 5, (-128, 127)),
        (1, 0.1, 5, (5, 127)),
        (1, 0.1, -128, (-128, 127)),
        (2, 0.1, 5, (-5, 15)),
        (3, 0.1, -128, (-128, -68)),
        (3, 0.01, 0, (0, 127)),
        (3, 100.0, 3, (3, 3)),
    ],
)
def test_fused_ranges(code: int, scale: float, zero_point: int, expected: tuple[int, int]) -> None:
    assert activation_range(OP, code, Tensor("y", (1,), "int8", Quant((scale,), (zero_point,)))) == expected


@pytest.mark.parametrize(("code", "scale"), [(4, 0.1), (5, 0.1), (99, 0.1), (-1, 0.1), (3, 1e-12)])
def test_fused_activations_that_cannot_be(code: int, scale: float) -> None:
    with pytest.raises(BadInput, match="layer"):
        activation_range(OP, code, Tensor("y", (1,), "int8", Quant((scale,), (0,))))


@given(st.integers(-(2**31), 2**31 - 1), st.integers(0, 31))
def test_division_rounds_ties_away_from_zero(x: int, exponent: int) -> None:
    assert divide_by_pot(x, exponent) == _rounded(Fraction(x, 2**exponent))


def test_high_mul_saturates_once() -> None:
    assert high_mul(-(2**31), -(2**31)) == 2**31 - 1
    assert high_mul(2**30, 2**30) == 2**29


@given(st.integers(-(2**31) + 1, 2**31 - 1))
def test_functions_are_near_the_real_ones(raw: int) -> None:
    real = raw / 2**27
    assert abs(logistic(raw, 4) / 2**31 - 1 / (1 + math.exp(-real))) < 1e-6
    assert abs(tanh(raw, 4) / 2**31 - math.tanh(real)) < 1e-6
    assert abs(exp_on_negative(-abs(raw), 4) / 2**31 - math.exp(-abs(real))) < 1e-6


@given(st.floats(2.0**-30, 2.0**20), st.integers(1, 100_000))
def test_mean_divides_by_the_count(real: float, count: int) -> None:
    multiplier, shift = mean_multiplier(*quantize_multiplier(real), count)
    assert 0 <= multiplier < 2**31 and -31 <= shift <= 30
    error = abs(multiplier * 2.0 ** (shift - 31) - real / count)
    assert error <= 2.0 ** (shift - 31) + real / count * 2.0**-30


def test_float_bits() -> None:
    assert float32_bits(1.0) == 0x3F800000
    assert float32_bits(-0.5) == 0xBF000000 - 2**32
