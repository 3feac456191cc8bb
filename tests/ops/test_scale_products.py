"""Whether the product of the scales is taken in float32 or in double shows in few sums: these are made to be such."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from build_tflite import T
from cases import Case, compare, one_op

OUT_SCALE = 1.0


def _fixed(real: float) -> tuple[int, int]:
    fraction, exponent = math.frexp(real)
    return round(fraction * 2**31), exponent


def _requantized(total: int, multiplier: int, exponent: int) -> int:
    """Two roundings for a right shift, in Python's own integers."""
    high = (total * multiplier + 2**30) >> 31
    right = -exponent
    if right == 0:
        return high
    half = 1 << (right - 1)
    return (high + half) >> right if high >= 0 else -((-high + half) >> right)


def telling_sums(in_scale: float, w_scale: float) -> list[int]:
    """Sums whose output differs between the two products; both roundings happen at a boundary of an output."""
    single = _fixed(float(np.float32(in_scale) * np.float32(w_scale)) / OUT_SCALE)
    double = _fixed(in_scale * w_scale / OUT_SCALE)
    found = []
    for output in range(20, 120):
        boundary = round((output + 0.5) / (in_scale * w_scale / OUT_SCALE))
        for total in range(boundary - 40, boundary + 40):
            if _requantized(total, *single) != _requantized(total, *double):
                found.append(total)
                break
    return found


def _scale_pairs() -> list[tuple[float, float]]:
    generator = np.random.default_rng(5)
    pairs = [(float(np.float32(a)), float(np.float32(b * 2))) for a, b in generator.uniform(3e-4, 4e-4, (12, 2))]
    return [pair for pair in pairs if telling_sums(*pair)]


def _with_bias(in_scale: float, w_scale: float) -> Case:
    sums = np.array(telling_sums(in_scale, w_scale), np.int32)
    x = T((1, 1), "int8", (in_scale,), (0,))
    w = T((sums.size, 1), "int8", (w_scale,), (0,), 0, np.zeros((sums.size, 1), np.int8))
    bias = T(sums.shape, "int32", (in_scale * w_scale,), (0,), 0, sums)
    y = T((1, sums.size), "int8", (OUT_SCALE,), (0,))
    return one_op("FULLY_CONNECTED", [x, w, bias], y, "FullyConnectedOptions")


def _conv(case: Case) -> Case:
    """The same sums by a 1×1 convolution."""
    x, w, *rest = case.tensors
    y = rest.pop()
    fields = {"strideH": 1, "strideW": 1, "padding": 1}
    return one_op(
        "CONV_2D",
        [replace(x, shape=(1, 1, *x.shape)), _as_filter(w), *rest],
        replace(y, shape=(1, 1, *y.shape)),
        "Conv2DOptions",
        given=tuple(tuple(a.reshape(1, 1, *a.shape) for a in sample) for sample in case.given),
        **fields,
    )


def _as_filter(w: T) -> T:
    assert w.data is not None
    shape = (w.shape[0], 1, 1, w.shape[1])
    return replace(w, shape=shape, data=w.data.reshape(shape))


def _without_bias(in_scale: float, w_scale: float) -> Case:
    """The sums by weights alone: a constant 255 times each, and what is left by a constant 1."""
    sums = telling_sums(in_scale, w_scale)[:6]
    depth = max(sums) // (255 * 127) + 2
    weights = np.zeros((len(sums), depth + 2), np.int8)
    for row, total in zip(weights, sums):
        whole, rest = divmod(total, 255)
        row[: whole // 127] = 127
        row[whole // 127] = whole % 127
        row[-2:] = rest // 2, rest - rest // 2
    assert [int(r[:-2].astype(int).sum()) * 255 + int(r[-2:].astype(int).sum()) for r in weights] == sums
    values = np.full((1, depth + 2), 127, np.int8)
    values[0, -2:] = -127
    x = T((1, depth + 2), "int8", (in_scale,), (-128,))
    w = T(weights.shape, "int8", (w_scale,), (0,), 0, weights)
    y = T((1, len(sums)), "int8", (OUT_SCALE,), (0,))
    return one_op("FULLY_CONNECTED", [x, w], y, "FullyConnectedOptions", given=((values,),))


@pytest.mark.parametrize("form", [lambda case: case, _conv], ids=["dense", "conv"])
def test_product_of_scales_with_bias(tmp_path: Path, form: Callable[[Case], Case]) -> None:
    cases = [form(_with_bias(*pair)) for pair in _scale_pairs()]
    assert compare(cases, tmp_path) == len(cases) > 5


@pytest.mark.parametrize("form", [lambda case: case, _conv], ids=["dense", "conv"])
def test_product_of_scales_without_bias(tmp_path: Path, form: Callable[[Case], Case]) -> None:
    cases = [form(_without_bias(*pair)) for pair in _scale_pairs()[:4]]
    assert compare(cases, tmp_path) == len(cases) > 3
