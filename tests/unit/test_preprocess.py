"""The exact arithmetic of <model>_quantize, against rational arithmetic, and the composition of affine steps."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygen.errors import BadInput
from tinygen.preprocess import compose, from_mean_std, normalize, quantize_input, simplified
from tinygen.project import Preprocess

floats = st.floats(width=32, allow_nan=False, allow_infinity=False, min_value=-1e6, max_value=1e6)
scales = st.floats(width=32, min_value=float(np.float32(1e-4)), max_value=float(np.float32(1e4)))


def oracle(x: float, mean: float, std: float, scale: float, zero_point: int) -> int:
    """One value, each float32 step by its own rounding, the last rounding in exact fractions."""
    y = np.float32(np.float32(np.float32(x) - np.float32(mean)) / np.float32(std))
    t = Fraction(float(np.float32(y / np.float32(scale))))
    r = math.floor(abs(t) + Fraction(1, 2)) * (1 if t >= 0 else -1)
    return max(-128, min(127, r + zero_point))


@given(floats, floats, scales, scales, st.integers(-128, 127))
def test_against_fractions(x: float, mean: float, std: float, scale: float, zero_point: int) -> None:
    preprocess = Preprocess(mean=(mean,), std=(std,))
    q = quantize_input(np.array([x]), preprocess, scale, zero_point)
    assert q.dtype == np.int8 and int(q[0]) == oracle(x, mean, std, scale, zero_point)


@pytest.mark.parametrize(
    ("x", "q"),
    [
        *[(0.5, 1), (-0.5, -1), (1.5, 2), (2.5, 3), (-2.5, -3), (126.5, 127)],
        (float(np.nextafter(np.float32(0.5), np.float32(0))), 0),
        *[(1e30, 127), (-1e30, -128), (math.inf, 127), (-math.inf, -128), (math.nan, -128)],
    ],
)
def test_edges(x: float, q: int) -> None:
    assert int(quantize_input(np.array([x], np.float32), None, 1.0, 0)[0]) == q


def test_types() -> None:
    x = np.array([-1.0, 0.0, 1.0, 300.0], np.float32)
    assert quantize_input(x, None, 1.0, 128, "uint8").tolist() == [127, 128, 129, 255]
    assert quantize_input(x, None, 1 / 1024, 0, "int16").tolist() == [-1024, 0, 1024, 32767]
    assert quantize_input(x, None, 0.0, 0, "float32").dtype == np.float32


def test_per_channel_broadcasts_over_the_last_axis() -> None:
    x = np.ones((2, 3, 2), np.float32)
    y = normalize(x, Preprocess(mean=(1.0, 0.0), std=(2.0, 4.0)))
    assert (y[..., 0] == 0).all() and (y[..., 1] == 0.25).all()


@given(floats, scales, floats, scales, st.lists(floats, min_size=1, max_size=5))
def test_composition_is_both_steps(m1: float, s1: float, m2: float, s2: float, xs: list[float]) -> None:
    first = simplified(np.array([m1]), np.array([s1]))
    x = np.array(xs, np.float32)
    both = ((x.astype(np.float64) - np.float64(m1)) / s1 - m2) / s2
    once = normalize(x, compose(first, np.array([m2]), np.array([s2])))
    room = 1e-5 * (np.abs(x) + abs(m1) + abs(m2 * s1)) / (s1 * s2) + 1e-5
    assert (np.abs(once - both) <= room).all()


def test_identity_is_none() -> None:
    assert from_mean_std((), (), (1, 4)) is None
    assert from_mean_std((0.0,), (1.0, 1.0, 1.0, 1.0), (1, 4)) is None
    assert from_mean_std((2.0,) * 4, (), (1, 4)) == Preprocess(mean=(2.0,), std=(1.0,))


@pytest.mark.parametrize(("mean", "std"), [((1.0, 2.0), ()), ((), (1.0, 2.0, 3.0)), ((), (0.0,)), ((), (1e300,))])
def test_values_that_do_not_fit(mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    with pytest.raises(BadInput):
        from_mean_std(mean, std, (1, 100, 6))
