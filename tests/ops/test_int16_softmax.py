"""SOFTMAX of int16, and of int8 to int16, against the reference."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import draw as d
import native
import numpy as np
import pytest
from build_tflite import T
from cases import ROUNDS, Case, compare, generate, importable, one_op
from hypothesis import strategies as st
from strategies import cases_of

from tinygen.errors import BadInput
from tinygen.graph.ir import Graph


@cases_of("SOFTMAX")
@st.composite
def softmax(draw: st.DrawFn) -> Case:
    """Scales from those whose differences all round to 0 to those that leave one value a row."""
    x = d.q16(draw(d.shapes(1, 4, 800)), draw(d.scales(-24, 4)))
    near = draw(st.sampled_from((1.0, 1.0, 1.0005, 0.9995, 1.002)))
    y = d.q16(x.shape, float(np.float32(2.0**-15 * near)))
    if draw(st.integers(0, 15)) == 7:
        x = replace(x, zero_points=(3,))
    beta = draw(st.sampled_from((1.0, 1.0, 0.3, 2.0, 0.0, 25.0)))
    return one_op("SOFTMAX", [x], y, "SoftmaxOptions", draw(d.seeds), beta=beta)


def _overflows(_case: Case, refusal: str) -> bool:
    """Left shifts at which differences pass the reference's 32 bits, which is formally undefined in it."""
    return "ask for a left shift of" in refusal


def test_softmax(tmp_path: Path) -> None:
    assert compare(generate(softmax(), 250), tmp_path, _overflows) > 160


@pytest.mark.parametrize("scale", [10.0 / 65535, 2.0**-12, 2.0**-9.3])
def test_every_difference(tmp_path: Path, scale: float) -> None:
    """Rows of two, whose difference takes all 65,536 values: every place of the table of exponentials."""
    low = np.arange(-32768, 32768).astype(np.int16).reshape(ROUNDS, -1)
    given = tuple((np.stack([np.full_like(part, 32767), part], axis=1),) for part in low)
    x = d.q16(given[0][0].shape, float(np.float32(scale)))
    case = one_op("SOFTMAX", [x], d.q16(x.shape, 2.0**-15), "SoftmaxOptions", given=given, beta=1.0)
    assert compare([case], tmp_path) == 1


def test_every_depth(tmp_path: Path) -> None:
    """One to hundreds of values, near one another, so that the sums take all places of the table of reciprocals."""
    depths = [1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33, 63, 65, 127, 129, 255, 257, 511, 513, 1023, 1025, 4096, 40000]
    cases = []
    for seed, depth in enumerate(depths):
        x = d.q16((max(1, 4000 // depth), depth), 2.0**-14)
        cases.append(one_op("SOFTMAX", [x], d.q16(x.shape, 2.0**-15), "SoftmaxOptions", seed, beta=1.0))
    equal = np.full((1, 40000), 77, np.int16)
    cases.append(replace(cases[-1], given=((equal,),)))
    assert compare(cases, tmp_path) == len(cases)


def test_largest_left_shift(tmp_path: Path) -> None:
    """Up to where the largest difference fits 32 bits; one more is refused."""
    low, high = np.int16(-32768), np.int16(32767)
    given = ((np.array([[low, high], [high, high - 1], [0, 1]], np.int16),),)
    scales = [float(np.float32(2.0**e * 10 / 65535)) for e in (14.5, 15.5)]
    cases = [one_op("SOFTMAX", [d.q16((3, 2), s)], d.q16((3, 2), 2.0**-15), "SoftmaxOptions", given=given, beta=1.0)
             for s in scales]  # fmt: skip
    assert compare(cases, tmp_path, _overflows) == 1


def test_int8_to_int16(tmp_path: Path) -> None:
    shapes = [(1, 2), (3, 5), (1, 1), (2, 3, 4), (1, 500), (7,), (1, 4095)]
    cases = []
    for seed, (shape, exponent, beta) in enumerate(itertools.product(shapes, (-12.3, -6, -3.7, 0.4), (1.0, 0.3))):
        x = d.q8(shape, float(np.float32(2.0**exponent)), -5)
        y = d.q16(shape, float(np.float32(2.0**-16 * (1.0005 if seed % 5 == 3 else 1.0))), -32768)
        cases.append(one_op("SOFTMAX", [x], y, "SoftmaxOptions", seed, beta=beta))
    equal = np.full((1, 4095), 9, np.int8)
    cases.append(replace(cases[-1], given=((equal,),)))
    for scale, zero in ((2.0**-15, -32768), (2.0**-16, 0)):
        y = d.q16(shapes[0], scale, zero)
        cases.append(one_op("SOFTMAX", [cases[0].tensors[0]], y, "SoftmaxOptions", beta=1.0))
    assert compare(cases, tmp_path) == len(cases) - 2


def test_softmax_in_a_model_shares_its_tables(tmp_path: Path) -> None:
    """Two layers of different scales read one table of each function."""
    from tinygen.backends.constants import pool
    from tinygen.ops.lowering import lower

    graphs = [importable(one_op("SOFTMAX", [d.q16((1, 4), s)], d.q16((1, 4), 2.0**-15), "SoftmaxOptions", beta=1.0))
              for s in (0.001, 0.002)]  # fmt: skip
    assert all(isinstance(graph, Graph) for graph in graphs)
    graph = native.merge([graph for graph in graphs if isinstance(graph, Graph)])
    assert pool(graph, lower(graph, frozenset()), ["a", "b"]).tables_bytes == 2 * 2 * 513


@pytest.mark.parametrize(
    ("x", "y", "beta"),
    [
        (d.q16((1, 65536), 0.001), d.q16((1, 65536), 2.0**-15), 1.0),
        (d.q8((1, 4096), 0.1, 0), d.q16((1, 4096), 2.0**-16, -32768), 1.0),
        (d.q16((1, 4), 0.001), d.q16((1, 4), 2.0**-15), -1.0),
        (d.q16((1, 4), 0.001), d.q16((1, 4), 2.0**-15), float("nan")),
        (d.q16((1, 4), 0.001), d.q16((1, 4), 2.0**-15), float("inf")),
        (d.q16((1, 4), 0.001), d.q8((1, 4), 2.0**-8, -128), 1.0),
        (d.q16((1, 4), 0.001), T((1, 4), "float32"), 1.0),
        (d.q16((), 0.001), d.q16((), 2.0**-15), 1.0),
    ],
)
def test_refused(x: T, y: T, beta: float) -> None:
    assert isinstance(importable(one_op("SOFTMAX", [x], y, "SoftmaxOptions", beta=beta)), BadInput)
