"""Where the last bit of a multiplier decides: RSQRT, DIV and BATCH_MATMUL at scales that put results on halves."""

from __future__ import annotations

from pathlib import Path

import draw as d
import numpy as np
import pytest
import test_scale_products as products
from cases import compare, one_op

ALL = np.arange(-128, 128).astype(np.int8)


#: Scales of RSQRT's input and output at which a root falls on a half and the product in float gives another table.
TELLING = [
    (0.09454958885908127, 0.025210490450263023),
    (0.756036639213562, 0.0006661617080681026),
    (0.8480215668678284, 0.004160608630627394),
    (0.10032190382480621, 0.004273797385394573),
    (0.38907620310783386, 0.0004687586333602667),
    (0.9886477589607239, 0.0005108914920128882),
    (0.8518674969673157, 0.0021084442269057035),
    (0.9116427898406982, 0.0016002253396436572),
    (0.012438046745955944, 0.005630508065223694),
    (0.3973100483417511, 0.0015364704886451364),
    (0.30976060032844543, 0.0069999536499381065),
    (0.03002208098769188, 0.0038504544645547867),
]


def test_rsqrt_on_halves(tmp_path: Path) -> None:
    cases = [
        one_op("RSQRT", [d.q8((256,), in_scale, -128)], d.q8((256,), out_scale, -128), given=((ALL,),))
        for in_scale, out_scale in TELLING
    ]
    assert compare(cases, tmp_path) == len(cases)


def test_div_on_halves(tmp_path: Path) -> None:
    generator = np.random.default_rng(4)
    numbers = np.array([n for n in range(-128, 128) if n], np.int8)
    samples = ((numbers.reshape(255, 1), numbers.reshape(1, 255)),)
    cases = []
    for divisor, out, half in zip(*generator.uniform(0.01, 0.02, (2, 30)), generator.integers(64, 128, 30)):
        second, y = (float(np.float32(scale)) for scale in (divisor, out))
        first = float(np.float32(second * y * (half + 0.5)))
        operands = [d.q8((255, 1), first, 0), d.q8((1, 255), second, 0)]
        cases.append(one_op("DIV", operands, d.q8((255, 255), y, 0), "DivOptions", given=samples))
    assert compare(cases, tmp_path) == len(cases)


@pytest.mark.parametrize("constant", [True, False], ids=["constant", "run time"])
def test_product_of_scales_of_matrices(tmp_path: Path, constant: bool) -> None:
    cases = []
    for pair in products._scale_pairs()[:4]:
        dense = products._without_bias(*pair)
        x, w, y = dense.tensors
        samples = dense.given
        if not constant:
            assert w.data is not None
            samples = tuple((*sample, w.data) for sample in samples)
            w = d.q8(w.shape, w.scales[0], 0)
        cases.append(one_op("BATCH_MATMUL", [x, w], y, "BatchMatMulOptions", given=samples, adjY=True))
    assert compare(cases, tmp_path) == len(cases) > 3
