"""ADD, SUB, MUL, SQUARED_DIFFERENCE and PRELU of int16 with broadcasting, against the reference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import draw as d
import numpy as np
import pytest
from build_tflite import T
from cases import Case, compare, generate, one_op
from hypothesis import strategies as st
from strategies import cases_of

OPTIONS = {"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions", "SQUARED_DIFFERENCE": ""}
zero_points = st.sampled_from((0, 0, 0, 0, 5, -700, -32768, 32767))


@cases_of("ADD", "SUB", "MUL", "SQUARED_DIFFERENCE")
@st.composite
def binary(draw: st.DrawFn, kind: str) -> Case:
    """The result's scale is such that results use the range, up to 2^9 times finer or coarser."""
    shape = draw(d.shapes(1, 5, 300))
    operands = [d.q16(draw(d.broadcast(shape)), draw(d.scales(-18, 2))) for _ in range(2)]
    second = float(np.float32(operands[0].scales[0] * 2.0 ** draw(st.floats(-6, 6))))
    operands[1] = replace(operands[1], scales=(second,))
    out = np.broadcast_shapes(operands[0].shape, operands[1].shape)
    first, second = (t.scales[0] for t in operands)
    near = {"MUL": first * second * 20000, "SQUARED_DIFFERENCE": 20000 * max(first, second) ** 2}
    unit = near.get(kind, max(first, second))
    y = d.q16(out, float(np.float32(unit * 2.0 ** draw(st.floats(-13 if kind in near else -9, 9)))))
    if draw(st.booleans()):
        operands[1] = replace(operands[1], scales=(draw(d.rational(first)),))
        y = replace(y, scales=(draw(d.rational(unit)),))
    if kind not in near or draw(st.integers(0, 15)) == 7:  # TFLM takes zero points of sums and differences alone
        *operands, y = (replace(t, zero_points=(draw(zero_points),)) for t in (*operands, y))
    if draw(st.integers(0, 3)) == 0:
        which = draw(st.integers(0, 1))
        t = operands[which]
        values = np.random.default_rng(draw(d.seeds)).integers(-32768, 32768, t.shape).astype(np.int16)
        operands[which] = replace(t, data=values)
    fields = {"fusedActivationFunction": draw(d.fused)} if OPTIONS[kind] else {}
    return one_op(kind, operands, y, OPTIONS[kind], draw(d.seeds), **fields)


def _narrower(_case: Case, refusal: str) -> bool:
    """More than four loops, and left shifts at which the reference's products overflow: formally undefined in it."""
    return "over more than 4 dimensions" in refusal or "ask for a left shift of" in refusal


@pytest.mark.parametrize("kind", sorted(OPTIONS))
def test_binary(tmp_path: Path, kind: str) -> None:
    assert compare(generate(binary(kind), 120), tmp_path, _narrower) > 105


@cases_of("PRELU")
@st.composite
def prelu(draw: st.DrawFn) -> Case:
    """Alpha is int8."""
    shape = draw(d.shapes(1, 5, 300))
    x = d.q16(shape, draw(d.scales(-18, 2)), draw(zero_points))
    alpha = draw(d.activations(draw(d.broadcast(shape)), -10, 0))
    y = d.q16(shape, float(np.float32(x.scales[0] * 2.0 ** draw(st.floats(-9, 6)))), draw(zero_points))
    if draw(st.booleans()):
        y = replace(y, scales=(draw(d.rational(x.scales[0])),))
    if draw(st.booleans()):
        values = np.random.default_rng(draw(d.seeds)).integers(-128, 128, alpha.shape).astype(np.int8)
        alpha = replace(alpha, data=values)
    if draw(st.integers(0, 20)) == 7:  # refused by both
        alpha = T(alpha.shape, "int16", alpha.scales, (0,))
    return one_op("PRELU", [x, alpha], y, seed=draw(d.seeds))


def test_prelu(tmp_path: Path) -> None:
    assert compare(generate(prelu(), 120), tmp_path, _narrower) > 105


@pytest.mark.parametrize(("zero", "alpha_zero", "most"), [(0, 0, 8), (0, -128, 8), (0, 127, 8), (32767, 127, 7)])
def test_prelu_of_the_largest_products(tmp_path: Path, zero: int, alpha_zero: int, most: int) -> None:
    """Up to where no product passes 32 bits; one more left shift is refused."""
    x, alpha = np.array([[-32768], [-32767], [-1], [32767]], np.int16), np.array([[-128, -127, 0, 126, 127]], np.int8)
    cases = []
    for shift in (most, most + 1):
        y = d.q16((4, 5), float(np.float32(0.8 * 2.0 ** (1 - shift))))
        operands = [d.q16(x.shape, 1.0, zero), d.q8(alpha.shape, 1.0, alpha_zero)]
        cases.append(one_op("PRELU", operands, y, given=((x, alpha),)))
    assert compare(cases, tmp_path, _narrower) == 1


@pytest.mark.parametrize("kind", ["ADD", "SUB"])
def test_scales_too_far_apart_are_refused(tmp_path: Path, kind: str) -> None:
    x, small = d.q16((1, 8), 1.0), d.q16((1, 8), 1e-12)
    cases = [one_op(kind, [x, y], out, OPTIONS[kind]) for y, out in ((small, x), (x, d.q16((1, 8), 2.0**-14)),
             (x, d.q16((1, 8), 2.0**-15)), (x, d.q16((1, 8), 2.0**-13)))]  # fmt: skip
    assert compare(cases, tmp_path) == 2


def test_products_of_the_extremes(tmp_path: Path) -> None:
    """Every pair of the ends of the range, at the largest multiplier that is taken and at fused ranges."""
    ends = np.array([-32768, -32767, -1, 0, 1, 32766, 32767], np.int16)
    a, b = (np.ascontiguousarray(m.reshape(-1)) for m in np.meshgrid(ends, ends))
    cases = []
    for ratio in (0.9999, 0.5, 2.0**-15, 2.0**-14.5, 2.0**-31):
        for fused in range(4):
            x, y = d.q16(a.shape, 2.0**-7), d.q16(a.shape, float(np.float32(2.0**-14 / ratio)))
            cases.append(one_op("MUL", [x, x], y, "MulOptions", given=((a, b),), fusedActivationFunction=fused))
    assert compare(cases, tmp_path) == len(cases)
    shifted = one_op("MUL", [x, x], d.q16(a.shape, 2.0**-14), "MulOptions", given=((a, b),))
    assert compare([shifted], tmp_path, _narrower) == 0
