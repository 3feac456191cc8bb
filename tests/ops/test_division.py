"""DIV against the reference, and where the reference stops."""

from __future__ import annotations

from pathlib import Path

import draw as d
import native
import numpy as np
from build_tflite import T
from cases import Case, compare, generate, importable, one_op
from hypothesis import strategies as st
from strategies import cases_of

from tinygen.graph.ir import Graph


def _values(t: T, generator: np.random.Generator) -> np.ndarray:
    """All but the zero point, at which the reference stops."""
    values = generator.integers(-128, 128, t.shape)
    other = 5 if t.zero_points[0] != 5 else 6
    return np.where(values == t.zero_points[0], other, values).astype(np.int8)


@cases_of("DIV")
@st.composite
def _div(draw: st.DrawFn) -> Case:
    whole = draw(d.shapes(1, 3, 300))
    shapes = [tuple(1 if draw(st.integers(0, 3)) == 3 else n for n in whole) for _ in range(2)]
    a, b = (draw(d.activations(shape, -8, 2)) for shape in shapes)
    ratio = 2.0 ** draw(st.floats(6.5, 22.5, width=16))  # the reference takes all dividends there
    y = d.q8(np.broadcast_shapes(*shapes), float(np.float32(a.scales[0] / b.scales[0] / ratio)), draw(d.zero_points))
    generator = np.random.default_rng(draw(d.seeds))
    samples = tuple((_values(a, generator), _values(b, generator)) for _ in range(4))
    return one_op("DIV", [a, b], y, "DivOptions", given=samples, fusedActivationFunction=draw(d.fused))


def test_div(tmp_path: Path) -> None:
    assert compare(generate(_div(), 250), tmp_path) > 150


def test_div_of_all_pairs(tmp_path: Path) -> None:
    """Every dividend but 0 by every divisor but 0, at scales as models have them."""
    numbers = np.array([n for n in range(-128, 128) if n != 3], np.int8)
    cases = []
    for scale in (1 / 70.0, 0.0137, 1 / 127.0):
        a, b = d.q8((255, 1), 1.0, 3), d.q8((1, 255), 1.0, 3)
        y = d.q8((255, 255), float(np.float32(scale)), -4)
        cases.append(
            one_op("DIV", [a, b], y, "DivOptions", given=((numbers.reshape(255, 1), numbers.reshape(1, 255)),))
        )
    assert compare(cases, tmp_path) == len(cases)


def test_where_the_reference_stops(tmp_path: Path) -> None:
    """A divisor of 0, and quotients far beyond the output or far below its step."""
    dividends, divisors = np.array([[10, -10, 0, 100, 0]], np.int8), np.array([[0, 0, 0, 100, 9]], np.int8)
    for scale, ratio in ((0.5, [127, -128, 7, 9, 7]), (1e6, [127, -128, 7, 7, 7]), (1e-7, [127, -128, 7, 127, 7])):
        x = d.q8((1, 5), 1.0, 0)
        graph = importable(one_op("DIV", [x, x], d.q8((1, 5), scale, 7), "DivOptions"))
        assert isinstance(graph, Graph)
        (result,) = native.run([graph], [[[dividends, divisors]]], tmp_path / str(scale))
        assert result[0][0].reshape(-1).tolist() == ratio
