"""SPACE_TO_BATCH_ND, BATCH_TO_SPACE_ND, SPACE_TO_DEPTH and DEPTH_TO_SPACE against the reference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import draw as d
import native
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from build_tflite import Node, T, const
from cases import Case, compare, generate, one_op
from hypothesis import strategies as st
from strategies import cases_of
from test_slices import typed

from tinygen.errors import BadInput
from tinygen.frontend.importer import import_tflite
from tinygen.ops.lowering import lower

BATCHED = {"SPACE_TO_BATCH_ND": "SpaceToBatchNDOptions", "BATCH_TO_SPACE_ND": "BatchToSpaceNDOptions"}
DEPTHS = {"SPACE_TO_DEPTH": "SpaceToDepthOptions", "DEPTH_TO_SPACE": "DepthToSpaceOptions"}


@cases_of("SPACE_TO_BATCH_ND", padded=False)  # what TFLM pads with is undefined
@cases_of("BATCH_TO_SPACE_ND", padded=True)
@st.composite
def batched(draw: st.DrawFn, kind: str, padded: bool) -> Case:
    spatial = draw(st.integers(1, 2))
    block = [draw(st.integers(1, 3)) for _ in range(spatial)]
    parts = [draw(st.integers(1, 5)) for _ in range(spatial)]
    margins, whole = [], []
    for side, count in zip(block, parts):
        most = 4 * padded
        before = draw(st.integers(0, min(most, side * count - 1)))
        after = draw(st.integers(0, min(most, side * count - 1 - before)))
        margins.append([before, after])
        whole.append(side * count - before - after)
    batch, channels = draw(st.integers(1, 2)), draw(st.integers(1, 4))
    count = batch * block[0] * (block[1] if spatial == 2 else 1)
    image, dealt = (batch, *whole, channels), (count, *parts, channels)
    x = draw(typed(image if kind == "SPACE_TO_BATCH_ND" else dealt, "int8", "int8", "float32", "int16"))
    y = replace(x, shape=dealt if kind == "SPACE_TO_BATCH_ND" else image)
    return one_op(kind, [x, const(block), const(margins)], y, BATCHED[kind], draw(d.seeds))


@cases_of(*DEPTHS)
@st.composite
def depths(draw: st.DrawFn, kind: str) -> Case:
    side, n = draw(st.integers(1, 4)), draw(st.integers(1, 2))
    h, w, c = (draw(st.integers(1, 4)) for _ in range(3))
    flat, deep = (n, h * side, w * side, c), (n, h, w, c * side * side)
    x = draw(typed(flat if kind == "SPACE_TO_DEPTH" else deep, "int8", "int8", "float32", "int16"))
    y = replace(x, shape=deep if kind == "SPACE_TO_DEPTH" else flat)
    return one_op(kind, [x], y, DEPTHS[kind], draw(d.seeds), blockSize=side)


def test_batch_to_space(tmp_path: Path) -> None:
    assert compare(generate(batched("BATCH_TO_SPACE_ND", True), 150), tmp_path) > 90


def test_space_to_batch_without_paddings(tmp_path: Path) -> None:
    assert compare(generate(batched("SPACE_TO_BATCH_ND", False), 150), tmp_path) > 90


def test_space_to_batch_pads_as_tensorflow_lite_does(tmp_path: Path) -> None:
    """What TFLM pads with is undefined: here LiteRT's reference kernel is the oracle."""
    cases = [case for case in generate(batched("SPACE_TO_BATCH_ND", True), 120) if case.tensors[0].dtype != "int16"]
    assert sum(bool(case.tensors[2].data.any()) for case in cases if case.tensors[2].data is not None) > 50
    samples = [case.samples() for case in cases]
    results = native.run([import_tflite(case.model, "padded") for case in cases], samples, tmp_path)
    for case, given, got in zip(cases, samples, results):
        interpreter = Interpreter(model_content=case.model, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
        interpreter.allocate_tensors()
        for (x,), (have,) in zip(given, got):
            interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
            interpreter.invoke()
            assert np.array_equal(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]), have), case


def test_paddings_that_are_cropped_again_are_nobodys(tmp_path: Path) -> None:
    """As around a dilated convolution whose extent is no multiple of its dilation."""
    x = d.q8((1, 7, 5, 2), 0.5, 9)
    tensors = (x, const([3, 2]), const([[0, 2], [0, 1]]), replace(x, shape=(6, 3, 3, 2)), replace(x, name="y"))
    nodes = (Node("SPACE_TO_BATCH_ND", (0, 1, 2), (3,)), Node("BATCH_TO_SPACE_ND", (3, 1, 2), (4,)))
    assert compare([Case(tensors, nodes, (0,), (4,))], tmp_path) == 1


@pytest.mark.parametrize("kind", DEPTHS)
def test_depths(tmp_path: Path, kind: str) -> None:
    assert compare(generate(depths(kind), 100), tmp_path) > 60


X = d.q8((4, 4, 6, 8), 0.5, 3)


def _batched(kind: str, block: T, margins: T, out: tuple[int, ...], x: T = X) -> Case:
    return one_op(kind, [x, block, margins], replace(x, shape=out), BATCHED[kind])


NONE = const([[0, 0], [0, 0]])


@pytest.mark.parametrize(
    "hostile",
    [
        *(
            _batched(kind, *more)
            for kind, out in (("SPACE_TO_BATCH_ND", (16, 2, 3, 8)), ("BATCH_TO_SPACE_ND", (1, 8, 12, 8)))
            for more in (
                (const([2]), NONE, out),
                (const([0, 2]), NONE, out),
                (const([-2, -2]), NONE, out),
                (const([2, 2]), const([0, 0]), out),
                (const([2, 2]), const([[-1, 1], [0, 0]]), out),
                (const([2, 2]), const([[2**31 - 1, 1], [0, 0]]), out),
                (const([2, 2], "int64"), NONE, out),
                (T((2,), "int32"), NONE, out),
                (const([2, 2]), T((2, 2), "int32"), out),
                (const([2, 2]), NONE, (*out[:3], 4)),
                (const([2]), const([[0, 0]]), (2, 2), d.q8((4, 4), 1, 0)),
            )
        ),
        _batched("SPACE_TO_BATCH_ND", const([3, 2]), NONE, (24, 1, 3, 8)),
        _batched("BATCH_TO_SPACE_ND", const([3, 1]), NONE, (1, 12, 6, 8)),
        _batched("BATCH_TO_SPACE_ND", const([2, 2]), const([[4, 4], [0, 0]]), (1, 1, 12, 8)),
        one_op("SPACE_TO_DEPTH", [X], X, DEPTHS["SPACE_TO_DEPTH"], blockSize=0),
        one_op("SPACE_TO_DEPTH", [X], X, DEPTHS["SPACE_TO_DEPTH"], blockSize=-2),
        one_op("SPACE_TO_DEPTH", [X], replace(X, shape=(4, 1, 1, 128)), DEPTHS["SPACE_TO_DEPTH"], blockSize=4),
        one_op("DEPTH_TO_SPACE", [X], X, DEPTHS["DEPTH_TO_SPACE"], blockSize=2**31 - 1),
        one_op("DEPTH_TO_SPACE", [X], replace(X, shape=(4, 12, 18, 1)), DEPTHS["DEPTH_TO_SPACE"], blockSize=3),
        one_op("DEPTH_TO_SPACE", [d.q8((4, 4), 1, 0)], d.q8((4, 4), 1, 0), DEPTHS["DEPTH_TO_SPACE"], blockSize=1),
    ],
    ids=str,
)
def test_refused_in_one_line(hostile: Case) -> None:
    with pytest.raises(BadInput) as refusal:
        lower(import_tflite(hostile.model, "hostile"), frozenset())
    assert "\n" not in refusal.value.line and len(refusal.value.line) < 400
