"""Scales and values at which float32 and double part ways: the reference is followed there too."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import draw as d
import numpy as np
import pytest
from build_tflite import T
from cases import Case, compare, one_op

GENERATOR = np.random.default_rng(11)


def _sixteen_bits(real: float) -> tuple[int, int]:
    fraction, exponent = math.frexp(real)
    return (round(fraction * 2**31) + 2**15) >> 16, exponent


def _parts(a: float, b: float) -> bool:
    """Whether a / b rounded to a float32 gives another 16-bit multiplier than a / b in double."""
    return _sixteen_bits(float(np.float32(a) / np.float32(b))) != _sixteen_bits(a / b)


def _hard_swish_scales() -> list[tuple[float, float]]:
    """(input, output) scales at which one of the two 16-bit multipliers depends on the precision."""
    found = []
    for a, b in GENERATOR.uniform(0.005, 0.09, (60_000, 2)).astype(np.float32):
        scale, out_scale = float(a), float(max(a, b))
        if _parts(scale / 128, out_scale) or _parts(scale / 128, 3.0 / 32768):
            found.append((scale, out_scale))
    return found[:150]


def test_hard_swish_on_scales_that_tell(tmp_path: Path) -> None:
    scales = _hard_swish_scales()
    cases = [
        one_op("HARD_SWISH", [d.q8((256,), a, zero)], d.q8((256,), b, -100), "", seed)
        for seed, ((a, b), zero) in enumerate(zip(scales, [-128, -3, 127] * len(scales)))
    ]
    assert compare(cases, tmp_path) == len(cases) > 20


def _halves(real: float) -> list[float]:
    """Scales of which `real` is nearly a whole number of steps and a half."""
    return [float(np.float32(real / (steps + 0.5))) for steps in range(3, 120)]


def test_relu6_on_halves(tmp_path: Path) -> None:
    cases = [one_op("RELU6", [d.q8((256,), scale, -128)], d.q8((256,), scale, -128)) for scale in _halves(6.0)]
    assert compare(cases, tmp_path) == len(cases)


@pytest.mark.parametrize(("code", "real"), [(2, 1.0), (3, 6.0)])
def test_fused_activation_on_halves(tmp_path: Path, code: int, real: float) -> None:
    fields = {"padding": 1, "strideH": 1, "strideW": 1, "filterHeight": 1, "filterWidth": 1}
    cases = []
    for scale in _halves(real):
        x = d.q8((1, 16, 16, 1), scale, -120 if real > 1 else 0)
        cases.append(one_op("MAX_POOL_2D", [x], x, "Pool2DOptions", fusedActivationFunction=code, **fields))
    assert compare(cases, tmp_path) == len(cases)


def test_quantize_on_halves(tmp_path: Path) -> None:
    cases: list[Case] = []
    for scale in (0.1, 0.3, 0.007, 1.7, 0.25):
        single = np.float32(scale)
        steps = np.arange(-200, 200, dtype=np.float32) + np.float32(0.5)
        x = np.concatenate(
            [steps * single, np.nextafter(steps * single, np.float32(0)), np.float32([3e6, -3e6, 0, -0.0])]
        )
        for dtype in ("int8", "int16"):
            y = T(x.shape, dtype, (float(single),), (-7,))
            cases.append(one_op("QUANTIZE", [T(x.shape, "float32")], y, "QuantizeOptions", given=((x,),)))
    assert compare(cases, tmp_path) == len(cases)


def test_tiny_multipliers_flush_to_zero(tmp_path: Path) -> None:
    """Around 2^-31 and 2^-32 the multiplier becomes 0 in the reference."""
    x = d.q8((300,), 1.0, -128)
    outputs = [
        replace(x, scales=(float(np.float32(2.0**e)),), zero_points=(5,)) for e in (29.5, 30, 30.9, 31, 31.5, 32, 33)
    ]
    cases = [one_op(kind, [x], y) for y in outputs for kind in ("RELU", "QUANTIZE")]
    cases += [one_op("MUL", [x, x], y, "MulOptions") for y in outputs]
    assert compare(cases, tmp_path) == len(cases)
