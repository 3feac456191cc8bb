"""RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR against the reference: up, down, by whole factors and by fractions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import draw as d
import numpy as np
import pytest
from build_tflite import T, const
from cases import Case, compare, generate, importable, one_op
from hypothesis import strategies as st
from strategies import cases_of

from tinygen.errors import BadInput
from tinygen.frontend.importer import import_tflite
from tinygen.ops.lowering import lower

KINDS = {"RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighborOptions", "RESIZE_BILINEAR": "ResizeBilinearOptions"}


@cases_of(*KINDS)
@st.composite
def case(draw: st.DrawFn, kind: str) -> Case:
    shape = [draw(st.sampled_from((1, 1, 2))), *(draw(st.integers(1, 9)) for _ in range(2)), draw(st.integers(1, 4))]
    if draw(st.booleans()):
        size = [n * draw(st.integers(1, 4)) for n in shape[1:3]]
    else:
        size = [draw(st.integers(1, 24)) for _ in range(2)]
    x = draw(d.activations(shape))
    if kind == "RESIZE_NEAREST_NEIGHBOR":
        x = replace(x, dtype=draw(st.sampled_from(("int8", "int8", "int16", "float32"))))
        x = x if x.dtype == "int8" else replace(x, scales=(), zero_points=())
    y = replace(x, shape=(shape[0], *size, shape[3]))
    ways = ((False, False), (True, False), (False, True), (False, True), (True, True))
    corners, centres = draw(st.sampled_from(ways))
    fields = {"alignCorners": corners, "halfPixelCenters": centres}
    return one_op(kind, [x, const(size)], y, KINDS[kind], draw(d.seeds), **fields)


@pytest.mark.parametrize("kind", KINDS)
def test_resize(tmp_path: Path, kind: str) -> None:
    assert compare(generate(case(kind), 200), tmp_path) > 120


def _row(kind: str, size: int, out: int, **fields: bool) -> Case:
    x = d.q8((1, 1, size, 1), 0.5, 0)
    return one_op(kind, [x, const([1, out])], d.q8((1, 1, out, 1), 0.5, 0), KINDS[kind], 7, **fields)


def test_nearest_in_float_where_products_fall_beside_whole_numbers(tmp_path: Path) -> None:
    """Whole factors of which the float32 quotient is rounded, and sizes where indices fall on halves."""
    sizes = [(n, n * f) for n in (1, 3, 7, 49, 83) for f in (3, 5, 7, 11)] + [(n, 2 * n - 1) for n in (2, 5, 41)]
    flags = [{}, {"alignCorners": True}, {"halfPixelCenters": True}, {"alignCorners": True, "halfPixelCenters": True}]
    cases = [_row("RESIZE_NEAREST_NEIGHBOR", n, out, **flag) for n, out in sizes for flag in flags]
    assert compare(cases, tmp_path) == len(cases)


def test_bilinear_reads_nothing_beyond_its_input() -> None:
    """From 1 to 58 pixels the step rounds up so far that the last place lies a pixel beyond."""
    assert isinstance(refused := importable(_row("RESIZE_BILINEAR", 1, 58)), BadInput) and "beyond" in refused.what
    assert not isinstance(importable(_row("RESIZE_BILINEAR", 1, 46)), BadInput)


X = d.q8((1, 2, 3, 2), 0.5, 3)


def _hostile(kind: str, size: T, x: T = X, y: T | None = None, **fields: bool) -> Case:
    return one_op(kind, [x, size], y or replace(x, shape=(1, 4, 6, 2)), KINDS[kind], **fields)


@pytest.mark.parametrize("kind", KINDS)
def test_refused_in_one_line(kind: str) -> None:
    flat = replace(X, shape=(2, 3, 2))
    hostile = [
        _hostile(kind, T((2,), "int32")),
        _hostile(kind, const([4])),
        _hostile(kind, const([4, 6, 2])),
        _hostile(kind, const([4, 0])),
        _hostile(kind, const([-4, 6])),
        _hostile(kind, const([4, 6], "int64")),
        _hostile(kind, const([4, 5])),
        _hostile(kind, const([4, 6]), flat, replace(flat, shape=(4, 6, 2))),
        _hostile(kind, const([1 << 21, 1]), y=replace(X, shape=(1, 1 << 21, 1, 2))),
        _hostile(kind, const([4, 6]), replace(X, dtype="uint8"), replace(X, dtype="uint8", shape=(1, 4, 6, 2))),
    ]
    if kind == "RESIZE_BILINEAR":
        hostile.append(_hostile(kind, const([4, 6]), alignCorners=True, halfPixelCenters=True))
    else:
        tall = replace(X, shape=(1, 40000, 1, 1))
        hostile.append(_hostile(kind, const([3, 1]), tall, replace(X, shape=(1, 3, 1, 1))))
    for case in hostile:
        with pytest.raises(BadInput) as refusal:
            lower(import_tflite(case.model, "hostile"), frozenset())
        assert "\n" not in refusal.value.line and len(refusal.value.line) < 400


def test_whole_factors_need_no_tables() -> None:
    graph = import_tflite(_row("RESIZE_NEAREST_NEIGHBOR", 5, 15).model, "twice")
    assert [layer.kernel_name for layer in lower(graph, frozenset())] == ["move"]
    graph = import_tflite(_row("RESIZE_NEAREST_NEIGHBOR", 5, 7).model, "parts")
    assert [layer.kernel_name for layer in lower(graph, frozenset())] == ["resize_nearest_neighbor"]
    assert np.array_equal(graph.output(graph.ops[0]).shape, (1, 1, 7, 1))
