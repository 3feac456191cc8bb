"""MIRROR_PAD, BROADCAST_TO and REVERSE_V2 against the reference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import draw as d
import pytest
from build_tflite import T, const
from cases import Case, compare, generate, one_op
from hypothesis import strategies as st
from strategies import cases_of
from test_slices import typed

from tinygen.errors import BadInput
from tinygen.frontend.importer import import_tflite
from tinygen.ops.lowering import lower

INTS = st.sampled_from(("int32", "int32", "int64"))


@cases_of("MIRROR_PAD")
@st.composite
def mirrors(draw: st.DrawFn) -> Case:
    shape = draw(d.shapes(1, 5, 60))
    mode = draw(st.integers(0, 1))
    most = [min(4, n - 1 + mode) if draw(st.integers(0, 2)) else 0 for n in shape]
    paddings = [[draw(st.integers(0, n)), draw(st.integers(0, n))] for n in most]
    x = draw(typed(shape, "int8", "int8", "float32", "int16"))
    y = replace(x, shape=tuple(n + sum(pair) for n, pair in zip(shape, paddings)))
    return one_op("MIRROR_PAD", [x, const(paddings, draw(INTS))], y, "MirrorPadOptions", draw(d.seeds), mode=mode)


@cases_of("BROADCAST_TO")
@st.composite
def broadcasts(draw: st.DrawFn) -> Case:
    shape = draw(d.shapes(1, 5, 300))
    kept = [n if draw(st.booleans()) else 1 for n in shape][draw(st.integers(0, len(shape))) :]
    x = draw(typed(tuple(kept), "int8", "int8", "int16", "int32", "int64", "float32", "bool"))
    return one_op("BROADCAST_TO", [x, const(shape, draw(INTS))], replace(x, shape=shape), seed=draw(d.seeds))


@cases_of("REVERSE_V2")
@st.composite
def reversals(draw: st.DrawFn) -> Case:
    shape = draw(d.shapes(1, 5, 300))
    first = draw(st.integers(0, len(shape) - 1))
    axes = list(range(first, draw(st.integers(first, len(shape) - 1)) + 1))
    if draw(st.integers(0, 4)) == 0:
        axes = draw(st.lists(st.integers(0, len(shape) - 1), min_size=1, max_size=len(shape)))
    said = [a - len(shape) * draw(st.integers(0, 1)) for a in draw(st.permutations(axes))]
    x = draw(typed(shape, "int8", "int8", "int16", "int32", "int64", "float32", "bool", "uint8"))
    return one_op("REVERSE_V2", [x, const(said)], x, "ReverseV2Options", draw(d.seeds))


def _loops(_case: Case, refusal: str) -> bool:
    return "more than 4 loops" in refusal


def test_mirror_pad(tmp_path: Path) -> None:
    assert compare(generate(mirrors(), 200), tmp_path, _loops) > 120


def test_broadcast_to(tmp_path: Path) -> None:
    assert compare(generate(broadcasts(), 150), tmp_path) > 100


def test_reverse(tmp_path: Path) -> None:
    assert compare(generate(reversals(), 150), tmp_path) > 90


X = d.q8((2, 3, 1), 0.5, 3)


def _mirror(paddings: T, out: tuple[int, ...], mode: int = 0, x: T = X) -> Case:
    return one_op("MIRROR_PAD", [x, paddings], replace(x, shape=out), "MirrorPadOptions", mode=mode)


def _broadcast(shape: T, out: tuple[int, ...], x: T = X) -> Case:
    return one_op("BROADCAST_TO", [x, shape], replace(x, shape=out))


def _reverse(axes: T, x: T = X) -> Case:
    return one_op("REVERSE_V2", [x, axes], x, "ReverseV2Options")


@pytest.mark.parametrize(
    "hostile",
    [
        _reverse(const([3])),
        _reverse(const([-4])),
        _reverse(const([0, 2])),
        _reverse(const([1, 1])),
        _reverse(const([[1]])),
        _reverse(const([1], "int64")),
        _reverse(T((1,), "int32")),
        _reverse(const([0]), d.q8((1,) * 7, 1, 0)),
        _mirror(const([[0, 2], [0, 0], [0, 0]]), (4, 3, 1)),
        _mirror(const([[0, 0], [0, 0], [1, 0]]), (2, 3, 2)),
        _mirror(const([[3, 0], [0, 0], [0, 0]]), (5, 3, 1), 1),
        _mirror(const([[-1, 0], [0, 0], [0, 0]]), (1, 3, 1)),
        _mirror(const([[0, 0], [0, 0]]), (2, 3, 1)),
        _mirror(const([0, 0, 0, 0, 0, 0]), (2, 3, 1)),
        _mirror(const([[0, 1], [0, 0], [0, 0]], "float32"), (3, 3, 1)),
        _mirror(T((3, 2), "int32"), (2, 3, 1)),
        _mirror(const([[0, 1], [0, 0], [0, 0]]), (3, 3, 1), 2),
        _mirror(const([[0, 1], [0, 0], [0, 0]]), (2, 3, 1)),
        _mirror(const([[1, 0]] * 5), (3,) * 5, 0, d.q8((2,) * 5, 1, 0)),
        _broadcast(const([2, 4, 1]), (2, 4, 1)),
        _broadcast(const([3, 1]), (3, 1)),
        _broadcast(const([2, 3, 0]), (2, 3, 1)),
        _broadcast(const([[2, 3, 4]]), (2, 3, 4)),
        _broadcast(const([2, 3, -1]), (2, 3, 1)),
        _broadcast(const([2, 3, 4], "float32"), (2, 3, 4)),
        _broadcast(const([2, 3, 5]), (2, 3, 4)),
        _broadcast(T((3,), "int32"), (2, 3, 4)),
        _broadcast(const([1, 1, 1, 2, 3, 4]), (1, 1, 1, 2, 3, 4)),
        _broadcast(const([2, 3, 1]), (2, 3, 1), T((2, 3, 1), "uint32")),
    ],
    ids=str,
)
def test_refused_in_one_line(hostile: Case) -> None:
    with pytest.raises(BadInput) as refusal:
        lower(import_tflite(hostile.model, "hostile"), frozenset())
    assert "\n" not in refusal.value.line and len(refusal.value.line) < 400
