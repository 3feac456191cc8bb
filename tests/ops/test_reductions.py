"""SUM, REDUCE_MAX, REDUCE_MIN, ARG_MAX and ARG_MIN over any axes, against the reference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import draw as d
import numpy as np
import pytest
from build_tflite import T, const
from cases import Case, compare, generate, one_op
from hypothesis import strategies as st
from strategies import cases_of

REDUCTIONS = ("SUM", "REDUCE_MAX", "REDUCE_MIN")
PLACES = {"ARG_MAX": "ArgMaxOptions", "ARG_MIN": "ArgMinOptions"}


@cases_of(*REDUCTIONS)
@st.composite
def _reduction(draw: st.DrawFn, kind: str) -> Case:
    x = draw(d.shapes(1, 5, 800).flatmap(lambda s: d.activations(s, -10, 4)))
    rank = len(x.shape)
    axes = draw(st.lists(st.integers(-rank, rank - 1), min_size=1, max_size=rank))
    keep = draw(st.booleans())
    gone = {a % rank for a in axes}
    shape = tuple(1 if i in gone else n for i, n in enumerate(x.shape) if keep or i not in gone)
    y = replace(x, shape=shape)
    if kind == "SUM":
        y = draw(d.activations(shape, -10, 6))
        if draw(st.booleans()):
            y = replace(y, scales=(draw(d.rational(x.scales[0] * 8)),))
    elif draw(st.integers(0, 9)) == 7:  # TFLM wants the input's
        y = replace(y, scales=(x.scales[0] * 2,)) if draw(st.booleans()) else replace(y, zero_points=(17,))
    axis = const(axes if len(axes) > 1 or draw(st.booleans()) else axes[0])
    return one_op(kind, [x, axis], y, "ReducerOptions", draw(d.seeds), keepDims=keep)


@pytest.mark.parametrize("kind", REDUCTIONS)
def test_reduction(tmp_path: Path, kind: str) -> None:
    assert compare(generate(_reduction(kind), 200), tmp_path) > 160


def test_sum_of_many_values(tmp_path: Path) -> None:
    cases = []
    for seed, (ratio, zero) in enumerate([(1.0, -128), (0.004, 127), (3e-8, 5), (900.0, 0), (2.0**29, 127)]):
        x = d.q8((1, 40, 50, 3), 0.05, zero)
        y = T((1, 3), "int8", (float(np.float32(0.05 / ratio)),), (-7,))
        cases.append(one_op("SUM", [x, const([1, 2])], y, "ReducerOptions", seed, keepDims=False))
    assert compare(cases, tmp_path) == len(cases)


@cases_of(*PLACES)
@st.composite
def _place(draw: st.DrawFn, kind: str) -> Case:
    x = draw(d.shapes(1, 5, 800).flatmap(lambda s: d.activations(s)))
    axis = draw(st.integers(-len(x.shape), len(x.shape) - 1))
    shape = tuple(n for i, n in enumerate(x.shape) if i != axis % len(x.shape))
    return one_op(kind, [x, const([axis])], T(shape, "int32"), PLACES[kind], draw(d.seeds), outputType=2)


@pytest.mark.parametrize("kind", PLACES)
def test_place_of_an_extreme(tmp_path: Path, kind: str) -> None:
    assert compare(generate(_place(kind), 150), tmp_path) > 120
