"""UNIDIRECTIONAL_SEQUENCE_LSTM against the reference, four inferences in a row, with its states kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import draw as d
import numpy as np
import pytest
from build_tflite import Node, T
from cases import Case, compare, generate
from hypothesis import strategies as st

from tinygen.errors import BadInput
from tinygen.frontend.importer import import_tflite
from tinygen.ops.lowering import lower

HIDDEN, CELL, TANH = 18, 19, 4


def layer(given: dict[int, T], y: T, seed: int = 0, count: int = 24, **fields: object) -> Case:
    """One layer of the inputs `given` by their places; the others are left out."""
    tensors = tuple(given.values())
    places = {place: number for number, place in enumerate(given)}
    inputs = tuple(places.get(i, -1) for i in range(count))
    options = {"fusedActivationFunction": TANH, **fields}
    node = Node("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, (len(tensors),), "UnidirectionalSequenceLSTMOptions", options)
    return Case((*tensors, y), (node,), (places[0],), (len(tensors),), seed)


@st.composite
def gate(draw: st.DrawFn, x: T, units: int, reach: float) -> T:
    """Weights over `x` whose sums reach about `reach` before the activation."""
    w = draw(d.weights((units, x.shape[-1]), None))
    spread = 74.0 * (256 if x.dtype == "int16" else 1) * 74.0 * np.sqrt(x.shape[-1])
    scale = float(np.float32(reach / (x.scales[0] * spread) * 2.0 ** draw(st.integers(-3, 3))))
    if draw(st.integers(0, 5)) == 0:  # sums that fall on halves: the last bit of the multiplier decides
        scale = draw(d.rational(2.0**-12 / x.scales[0]))
    return replace(w, scales=(scale,))


@st.composite
def sequence(draw: st.DrawFn, dtype: str) -> Case:
    wide = dtype == "int16"
    batches, steps = draw(st.sampled_from((1, 1, 1, 2, 3))), draw(st.integers(1, 5))
    depth, units = draw(st.integers(1, 7)), draw(st.integers(1, 6))
    time_major = draw(st.booleans())
    zeros = st.sampled_from((0, 0, 0, 1234, -32768, 32767)) if wide else d.zero_points
    head = (steps, batches) if time_major else (batches, steps)
    x = T((*head, depth), dtype, (draw(d.scales(-18, -8) if wide else d.scales(-10, 0)),), (draw(zeros),))
    hidden_scale = float(np.float32(2.0 ** -(15 if wide else 7) * draw(st.sampled_from((0.3, 0.9, 1.0, 1.7)))))
    hidden = T((batches, units), dtype, (hidden_scale,), (draw(zeros),), variable=True)
    cell = T((batches, units), "int16", (draw(cell_scales()),), (0,), variable=True)
    given = {0: x, HIDDEN: hidden, CELL: cell}
    generator = np.random.default_rng(draw(d.seeds))
    for i in range(4):
        given[1 + i], given[5 + i] = draw(gate(x, units, 4.0)), draw(gate(hidden, units, 2.0))
        limit = draw(st.sampled_from((10, 1 << 12, 1 << 20, (1 << 38) if wide else (1 << 31) - 1)))
        values = generator.integers(-limit, limit, units, dtype=np.int64).astype("int64" if wide else "int32")
        product = float(np.float32(x.scales[0] * given[1 + i].scales[0]))
        given[12 + i] = T((units,), values.dtype.name, (product,), (0,), 0, values)
    return layer(
        given, replace(hidden, shape=(*head, units), variable=False), draw(d.seeds), timeMajor=time_major,
        cellClip=draw(st.sampled_from((0.0, 10.0, 10.0, 0.75, 1e-6, -1.0))), projClip=draw(st.sampled_from((0.0, 0.5))),
    )  # fmt: skip


@st.composite
def cell_scales(draw: st.DrawFn) -> float:
    """Mostly powers of two, as the converter makes them; the reference takes others as the nearest."""
    power = draw(st.sampled_from((-15, -14, -13, -12, -11, -11, -10, -9, -20, -5)))
    return float(np.float32(2.0**power * draw(st.sampled_from((1.0, 1.0, 1.0, 1.3, 0.75)))))


@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_lstm(tmp_path: Path, dtype: str) -> None:
    assert compare(generate(sequence(dtype), 150), tmp_path) > 140
