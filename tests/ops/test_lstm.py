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
from strategies import cases_of

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


@cases_of("UNIDIRECTIONAL_SEQUENCE_LSTM", dtype="int8")
@cases_of("UNIDIRECTIONAL_SEQUENCE_LSTM", dtype="int16")
@st.composite
def sequence(draw: st.DrawFn, dtype: str) -> Case:
    wide = dtype == "int16"
    batches, steps = draw(st.sampled_from((1, 1, 1, 2, 3))), draw(st.integers(1, 5))
    depth, units = draw(st.sampled_from((1, 2, 3, 5, 7, 8, 600 if wide else 40))), draw(st.integers(1, 6))
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
    return float(np.float32(2.0**power * draw(st.sampled_from((1.0, 1.0, 1.0, 1.3, 0.75, 2.0**0.5)))))


@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_lstm(tmp_path: Path, dtype: str) -> None:
    assert compare(generate(sequence(dtype), 200), tmp_path) > 180


@pytest.mark.parametrize("depth", [511, 512, 600])
def test_sums_beyond_32_bits(tmp_path: Path, depth: int) -> None:
    """All products of one sign: 512 of them pass 32 bits, and the biases do not."""
    x = T((1, 2, depth), "int16", (2.0**-14,), (0,))
    ends = [np.full(x.shape, value, np.int16) for value in (-32768, 32767, -32768, 1)]
    given = {0: x, HIDDEN: T((1, 2), "int16", (2.0**-15,), (0,), variable=True)}
    given[CELL] = T((1, 2), "int16", (2.0**-11,), (0,), variable=True)
    for i in range(4):
        low = np.full((2, depth), (-128, 127, -128, -127)[i], np.int8)
        given[1 + i] = T(low.shape, "int8", (2.0**-18,), (0,), 0, low)
        given[5 + i] = T((2, 2), "int8", (2.0**-9,), (0,), 0, np.ones((2, 2), np.int8))
        given[12 + i] = T((2,), "int64", (2.0**-32,), (0,), 0, np.array([5, -7]))
    case = layer(given, replace(given[HIDDEN], shape=(1, 2, 2), variable=False))
    assert compare([replace(case, given=tuple((end,) for end in ends))], tmp_path) == 1


X, HIDDEN_STATE = d.q8((1, 2, 3), 0.05, 3), T((1, 4), "int8", (1 / 128,), (0,), variable=True)
CELL_STATE = T((1, 4), "int16", (2.0**-11,), (0,), variable=True)
Y = replace(HIDDEN_STATE, shape=(1, 2, 4), variable=False)


def _weights(columns: int) -> T:
    return T((4, columns), "int8", (0.01,), (0,), 0, np.ones((4, columns), np.int8))


BIAS = T((4,), "int32", (0.0005,), (0,), 0, np.ones(4, np.int32))
GOOD = {0: X, HIDDEN: HIDDEN_STATE, CELL: CELL_STATE, **{1 + i: _weights(3) for i in range(4)},
        **{5 + i: _weights(4) for i in range(4)}, **{12 + i: BIAS for i in range(4)}}  # fmt: skip


def _hostile(place: int = -1, y: T = Y, add: T | None = None, count: int = 24, **changed: object) -> Case:
    """The good one with one input changed, or `add`ed; options are those of the layer."""
    tensor = {name: changed.pop(name) for name in ("shape", "dtype", "scales", "zero_points", "data", "variable")
              if name in changed}  # fmt: skip
    given = {i: replace(t, **tensor) if i == place else t for i, t in GOOD.items()}
    return layer(given | ({place: add} if add else {}), y, count=count, **changed)


def _without(*places: int) -> Case:
    return layer({i: t for i, t in GOOD.items() if i not in places}, Y)


def _one_state() -> Case:
    """int16, and the hidden state is the cell state."""
    wide = {i: replace(t, dtype="int16", zero_points=(0,)) if i in (0, HIDDEN) else t for i, t in GOOD.items()}
    wide |= {12 + i: replace(BIAS, dtype="int64", data=np.ones(4, np.int64)) for i in range(4)}
    case = layer(wide, replace(Y, dtype="int16"))
    inputs = list(case.nodes[0].inputs)
    inputs[HIDDEN] = inputs[CELL]
    return replace(case, nodes=(replace(case.nodes[0], inputs=tuple(inputs)),))


PEEPHOLE = T((4,), "int16", (0.01,), (0,), 0, np.ones(4, np.int16))
WIDE_BIAS = {"dtype": "int64", "data": np.ones(4, np.int64)}
HOSTILE = {
    "a peephole": (_hostile(10, add=PEEPHOLE), "peephole connections are not supported"),
    "a projection": (_hostile(16, add=_weights(4)), "a projection is not supported"),
    "a projection's bias": (_hostile(17, add=BIAS), "a projection is not supported"),
    "layer normalization": (_hostile(21, add=PEEPHOLE), "layer normalization is not supported"),
    "no input gate": (_without(1, 5, 12), "without one of its gates"),
    "no bias": (_without(13), "without one of its gates"),
    "no recurrent weights": (_without(8), "without one of its gates"),
    "no hidden state": (_without(HIDDEN), "input 18 is no variable"),
    "no cell state": (_without(CELL), "input 19 is no variable"),
    "twenty inputs": (_hostile(count=20), "has 20 inputs, needed 24"),
    "25 inputs": (_hostile(count=25), "takes 1 to 24 inputs"),
    "relu": (_hostile(fusedActivationFunction=1), "activation 1 of the cell"),
    "no activation": (_hostile(fusedActivationFunction=0), "activation 0 of the cell"),
    "input of two dimensions": (_hostile(0, shape=(2, 3)), "input of 3 dimensions"),
    "flat hidden state": (_hostile(HIDDEN, shape=(4,)), "hidden state of 2"),
    "hidden state of two batches": (_hostile(HIDDEN, shape=(2, 4)), "for 1 batches of 4 units"),
    "cell state too small": (_hostile(CELL, shape=(1, 3)), "for 1 batches of 4 units"),
    "more batches than states": (_hostile(0, shape=(2, 1, 3), y=replace(Y, shape=(2, 1, 4))), "for 2 batches"),
    "time first": (_hostile(timeMajor=True), "for 2 batches"),
    "hidden state of int16": (_hostile(HIDDEN, dtype="int16"), "its states are int16 and int16"),
    "cell state of int8": (_hostile(CELL, dtype="int8"), "its states are int8 and int8"),
    "one state": (_one_state(), r"reads its variable 't\d' twice"),
    "cell state that is no variable": (replace(_hostile(CELL, variable=False), inputs=(0, 2)), "no variable"),
    "weights at run time": (replace(_hostile(1, data=None), inputs=(0, 3)), "to be a constant int8"),
    "weights of int16": (_hostile(2, dtype="int16", data=np.ones((4, 3), np.int16)), "to be a constant int8"),
    "weights of another depth": (_hostile(3, shape=(4, 2), data=np.ones((4, 2), np.int8)), r"constant int8 \(4, 3\)"),
    "diagonal recurrent weights": (_hostile(6, shape=(4,), data=np.ones(4, np.int8)), r"constant int8 \(4, 4\)"),
    "weights by channel": (_hostile(6, scales=(0.1,) * 4, zero_points=(0,) * 4), "4 scales"),
    "weights with a zero point": (_hostile(7, zero_points=(1,)), "symmetric"),
    "short bias": (_hostile(15, shape=(3,), data=np.ones(3, np.int32)), r"constant int32 \(4,\)"),
    "bias of int64": (_hostile(14, **WIDE_BIAS), "constant int32"),
    "other output": (_hostile(y=replace(Y, shape=(1, 2, 3))), "the file says output"),
    "output of int16": (_hostile(y=replace(Y, dtype="int16")), "int8 to int16"),
    "float": (_hostile(0, dtype="float32"), "LSTM on float32 to int8 in this form is not supported"),
    "no scale": (_hostile(0, scales=(), zero_points=()), "not quantized"),
    "cell scale too large": (_hostile(CELL, scales=(16.0,)), "cell state has scale 16"),
    "cell scale too small": (_hostile(CELL, scales=(2.0**-45,)), "cell state has scale 2.8"),
    "cell scale out of range": (_hostile(CELL, scales=(2.0**-64,)), "left shift"),
    "left shift": (_hostile(0, scales=(2.0**40,)), "left shift"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_refused_in_one_line(what: str) -> None:
    case, words = HOSTILE[what]
    with pytest.raises(BadInput, match=words) as refusal:
        lower(import_tflite(case.model, "hostile"), frozenset())
    assert "\n" not in refusal.value.line and len(refusal.value.line) < 400


def test_the_good_one_is_taken() -> None:
    """What the refusals above each change in one place."""
    assert lower(import_tflite(_hostile().model, "good"), frozenset())[0].code is not None


def test_sums_beyond_64_bits_are_refused() -> None:
    wide = {i: replace(t, dtype="int16", zero_points=(0,)) if i in (0, HIDDEN) else t for i, t in GOOD.items()}
    wide |= {12 + i: replace(BIAS, dtype="int64", data=np.full(4, 1 << 62, np.int64)) for i in range(4)}
    with pytest.raises(BadInput, match="beyond 64 bits"):
        lower(import_tflite(layer(wide, replace(Y, dtype="int16")).model, "hostile"), frozenset())
