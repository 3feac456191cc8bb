"""SOFTMAX and LOG_SOFTMAX against the reference, and where the reference stops."""

from __future__ import annotations

import itertools
from pathlib import Path

import draw as d
import native
import numpy as np
import pytest
from cases import Case, compare, generate, importable, one_op
from hypothesis import strategies as st
from strategies import cases_of

from tinygen.errors import BadInput
from tinygen.graph.ir import Graph


def _softmax_case(shape: tuple[int, ...], scale: float, beta: float, seed: int) -> Case:
    x = d.q8(shape, scale, -5)
    return one_op("SOFTMAX", [x], d.q8(shape, 1 / 256, -128), "SoftmaxOptions", seed, beta=beta)


@cases_of("SOFTMAX")
@cases_of("SOFTMAX", wide=True)
@st.composite
def _softmax(draw: st.DrawFn, wide: bool = False) -> Case:
    """Slopes (beta times the scale) from the smallest that is taken to where one step means all or nothing."""
    slope = 2.0 ** (draw(st.integers(-26 * 8, 12 * 8)) / 8)
    depth = draw(st.sampled_from((1, 2, 3, 17, 64, 500, 513 if slope > 0.125 else 5, 1200 if slope > 0.125 else 7)))
    rows = draw(d.shapes(0, 3, max(1, 1200 // depth)))
    beta = draw(st.sampled_from((1.0, 1.0, 0.3, 2.0, 1e-6, 1e6)))
    x = d.q8((*rows, depth), float(np.float32(slope / beta)), draw(d.zero_points))
    y = d.q16(x.shape, 2.0**-16, -32768) if wide else d.q8(x.shape, 1 / 256, -128)
    return one_op("SOFTMAX", [x], y, "SoftmaxOptions", draw(d.seeds), beta=beta)


@pytest.mark.parametrize("wide", [False, True], ids=["to int8", "to int16"])
def test_slopes(tmp_path: Path, wide: bool) -> None:
    assert compare(generate(_softmax(wide), 150), tmp_path) > 120


def test_softmax(tmp_path: Path) -> None:
    """Where the exponentials of a row add up to 512 and more, an assertion stops the reference: left out here."""
    shapes = [(1, 2), (3, 5), (1, 1), (2, 3, 4), (1, 500), (7,)]
    cases = [
        _softmax_case(shape, float(np.float32(2.0**exponent)), beta, seed)
        for seed, (shape, exponent, beta) in enumerate(
            itertools.product(shapes, (-12.3, -6, -3.7, -2, 0.4, 3), (1.0, 0.3, 2.0))
        )
    ]
    assert compare(cases, tmp_path) == len(cases)


@pytest.mark.parametrize("depth", [512, 600, 4097, 8191])
def test_rows_at_which_the_reference_stops(tmp_path: Path, depth: int) -> None:
    """Equal values: every share is below half a step of 1/256."""
    graph = importable(_softmax_case((1, depth), 0.1, 1.0, 0))
    assert isinstance(graph, Graph)
    (result,) = native.run([graph], [[[np.full((1, depth), 9, np.int8)]]], tmp_path)
    assert set(result[0][0].reshape(-1)) <= {-128, -127} if depth == 512 else set(result[0][0].reshape(-1)) == {-128}


def test_rows_beyond_the_sum_are_refused() -> None:
    assert isinstance(importable(_softmax_case((1, 8192), 0.1, 1.0, 0)), BadInput)


def _log_softmax(shape: tuple[int, ...], scale: float, seed: int) -> Case:
    return one_op("LOG_SOFTMAX", [d.q8(shape, scale, -5)], d.q8(shape, 1 / 16, 127), seed=seed)


@cases_of("LOG_SOFTMAX")
@st.composite
def _log_rows(draw: st.DrawFn) -> Case:
    return _log_softmax(draw(d.shapes(1, 3, 60)), draw(d.scales(-20, 9)), draw(d.seeds))


def test_log_softmax(tmp_path: Path) -> None:
    shapes = [(1, 2), (3, 5), (1, 1), (2, 3, 4), (1, 500), (7,), (9, 40), (1, 4000)]
    scales = [float(np.float32(2.0**exponent)) for exponent in (-20.3, -12.3, -6, -3.7, -2, 0.4, 3, 9.1)]
    cases = [_log_softmax(*pair, seed) for seed, pair in enumerate(itertools.product(shapes, scales))]
    assert compare(cases, tmp_path) == len(cases)


@pytest.mark.parametrize(
    ("shape", "scale", "out"),
    [((1, 4096), 0.1, (1 / 16, 127)), ((1, 4), 1e-9, (1 / 16, 127)), ((1, 4), 0.1, (1 / 16, 0))],
)
def test_log_softmax_refused(shape: tuple[int, ...], scale: float, out: tuple[float, int]) -> None:
    case = one_op("LOG_SOFTMAX", [d.q8(shape, scale, 0)], d.q8(shape, *out))
    assert isinstance(importable(case), BadInput)
