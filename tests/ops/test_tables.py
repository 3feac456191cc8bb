"""Functions of one value by a table, ABS, ELU and RSQRT, on all 256 inputs against the reference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import draw as d
import numpy as np
import pytest
from cases import Case, compare, generate, one_op
from hypothesis import strategies as st
from strategies import cases_of

OPTIONS = {"ABS": "AbsOptions", "ELU": "", "RSQRT": ""}


@cases_of(*OPTIONS)
@st.composite
def _unary(draw: st.DrawFn, kind: str) -> Case:
    x = draw(d.activations((256,), -9, 5))
    if draw(st.integers(0, 9)) == 7:
        x = draw(d.activations((256,), -24, -8))
    unit = x.scales[0] ** -0.5 / 100 if kind == "RSQRT" else x.scales[0]
    y = d.q8((256,), float(np.float32(unit * 2.0 ** draw(st.floats(-7, 9, width=16)))), draw(d.zero_points))
    if draw(st.booleans()):
        y = replace(y, scales=(draw(d.rational(unit)),))
    if kind == "ABS" and draw(st.integers(0, 4)) == 3:
        y = replace(y, scales=x.scales)
    given = ()
    if kind == "RSQRT":  # the reference stops at values below the zero point
        given = ((np.maximum(np.arange(-128, 128), x.zero_points[0]).astype(np.int8),),)
    return one_op(kind, [x], y, OPTIONS[kind], draw(d.seeds), given=given)


@pytest.mark.parametrize("kind", sorted(OPTIONS))
def test_unary_on_all_inputs(tmp_path: Path, kind: str) -> None:
    assert compare(generate(_unary(kind), 300), tmp_path) > 250
