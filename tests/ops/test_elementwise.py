"""ADD, SUB and MUL with broadcasting, and the functions of one value, against the reference."""

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

OPTIONS = {"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions"}
UNARY = ("LOGISTIC", "TANH", "RELU", "RELU6", "LEAKY_RELU", "HARD_SWISH")


@cases_of(*OPTIONS)
@st.composite
def _binary(draw: st.DrawFn, kind: str) -> Case:
    shape = draw(d.shapes(1, 5, 300))
    operands: list[T] = []
    for _ in range(2):
        drop = draw(st.integers(0, len(shape) - 1)) if draw(st.integers(0, 3)) == 0 else 0
        repeated = [1 if draw(st.integers(0, 3)) == 0 else n for n in shape[drop:]]
        operands.append(draw(d.activations(repeated, -8, 4)))
    out = np.broadcast_shapes(operands[0].shape, operands[1].shape)
    largest = max(t.scales[0] for t in operands)
    near = operands[0].scales[0] * operands[1].scales[0] * 100 if kind == "MUL" else largest
    spread = 2.0 ** draw(st.floats(-9, 6, width=16))
    y = d.q8(out, float(np.float32(near * spread)), draw(d.zero_points))
    if draw(st.booleans()):
        unit = operands[0].scales[0]
        operands[1] = replace(operands[1], scales=(draw(d.rational(unit if kind != "MUL" else 0.05)),))
        y = replace(y, scales=(draw(d.rational(unit * 2 if kind != "MUL" else unit)),))
    if draw(st.integers(0, 3)) == 0:
        which = draw(st.integers(0, 1))
        t = operands[which]
        values = np.random.default_rng(draw(d.seeds)).integers(-128, 128, t.shape).astype(np.int8)
        operands[which] = T(t.shape, t.dtype, t.scales, t.zero_points, data=values)
    return one_op(kind, operands, y, OPTIONS[kind], draw(d.seeds), fusedActivationFunction=draw(d.fused))


def _same_loops(case: Case, refusal: str) -> bool:
    """Alternating broadcasts of five dimensions need more loops than the kernels have."""
    return "over more than 4 dimensions" in refusal


@pytest.mark.parametrize("kind", sorted(OPTIONS))
def test_binary(tmp_path: Path, kind: str) -> None:
    assert compare(generate(_binary(kind), 250), tmp_path, _same_loops) > 220


@pytest.mark.parametrize("kind", ["ADD", "SUB"])
def test_scales_too_far_apart_are_refused(tmp_path: Path, kind: str) -> None:
    x, small = d.q8((1, 8), 1.0, 0), d.q8((1, 8), 1e-12, 0)
    tiny = d.q8((1, 8), 2.0**-21, 0)
    cases = [
        one_op(kind, [x, small], x, OPTIONS[kind]),
        one_op(kind, [x, x], tiny, OPTIONS[kind]),
        one_op(kind, [x, x], d.q8((1, 8), 2.0**-18, 0), OPTIONS[kind]),
    ]
    assert compare(cases, tmp_path) == 2


@cases_of(*UNARY)
@st.composite
def _unary(draw: st.DrawFn, kind: str) -> Case:
    x = draw(d.activations((256,), -9, 5))
    if draw(st.integers(0, 9)) == 0:
        x = draw(d.activations((256,), -28, -8))
    fields = {}
    options = ""
    if kind == "LOGISTIC":
        y = d.q8((256,), 1 / 256, -128)
    elif kind == "TANH":
        y = d.q8((256,), 1 / 128, 0)
    else:
        y = d.q8((256,), float(np.float32(x.scales[0] * 2.0 ** draw(st.floats(-5, 9, width=16)))), draw(d.zero_points))
    if kind not in ("LOGISTIC", "TANH") and draw(st.booleans()):
        y = replace(y, scales=(draw(d.rational(x.scales[0])),))
    if kind == "LEAKY_RELU":
        options, fields = "LeakyReluOptions", {"alpha": draw(st.sampled_from((0.0, 0.01, 0.2, 0.3, 1.0, 1.7, -0.4)))}
    return one_op(kind, [x], y, options, draw(d.seeds), **fields)


@pytest.mark.parametrize("kind", UNARY)
def test_unary_on_all_inputs(tmp_path: Path, kind: str) -> None:
    assert compare(generate(_unary(kind), 150), tmp_path) > 100
