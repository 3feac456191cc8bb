"""TRANSPOSE_CONV against the reference: strides, paddings, kernels smaller and larger than stride and output."""

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

from tinygen.errors import BadInput
from tinygen.frontend.importer import import_tflite
from tinygen.ops.lowering import lower


@cases_of("TRANSPOSE_CONV")
@st.composite
def case(draw: st.DrawFn) -> Case:
    padding = draw(st.integers(0, 1))
    kernel = [draw(st.integers(1, 5)) for _ in range(2)]
    stride = [draw(st.integers(1, 4)) for _ in range(2)]
    size = [draw(st.integers(1, 5)) for _ in range(2)]
    out = [n * s if padding == 0 else n * s + max(k - s, 0) for n, k, s in zip(size, kernel, stride)]
    if draw(st.integers(0, 3)) == 0:  # an output of another size: the reference takes it as it comes
        out = [max(1, n + draw(st.integers(-3, 3))) for n in out]
    batch, in_c, out_c = draw(st.sampled_from((1, 1, 2))), draw(st.integers(1, 5)), draw(st.integers(1, 5))
    x = draw(d.activations((batch, *size, in_c)))
    w = draw(d.weights((out_c, *kernel, in_c), draw(st.sampled_from((0, 0, None)))))
    y = d.q8((batch, *out, out_c), d.output_scale(x, w, in_c * 2, draw(st.integers(-14, 6))), draw(d.zero_points))
    limit = draw(st.sampled_from((1 << 16, 2**31 - 1)))
    bias = [d.bias(x, w, out_c, draw(d.seeds), limit)] if draw(st.integers(0, 3)) else []
    return one_op(
        "TRANSPOSE_CONV", [const([batch, *out, out_c]), w, x, *bias], y, "TransposeConvOptions", draw(d.seeds),
        padding=padding, strideH=stride[0], strideW=stride[1], fusedActivationFunction=draw(d.fused),
    )  # fmt: skip


def test_transpose_conv(tmp_path: Path) -> None:
    assert compare(generate(case(), 200), tmp_path) > 170


X, Y = d.q8((1, 3, 3, 2), 0.5, 3), d.q8((1, 6, 6, 4), 0.5, 0)
W = T((4, 2, 2, 2), "int8", (0.1,), (0,), 0, np.ones((4, 2, 2, 2), np.int8))
SHAPE = const([1, 6, 6, 4])


def _hostile(shape: T = SHAPE, w: T = W, x: T = X, y: T = Y, extra: tuple[T, ...] = (), **fields: int) -> Case:
    options = {"padding": 0, "strideH": 2, "strideW": 2} | fields
    return one_op("TRANSPOSE_CONV", [shape, w, x, *extra], y, "TransposeConvOptions", **options)


@pytest.mark.parametrize(
    "hostile",
    [
        _hostile(shape=T((4,), "int32")),
        _hostile(shape=const([1, 6, 6])),
        _hostile(shape=const([1, 6, 6, 4], "int64")),
        _hostile(shape=const([1, 6, -6, 4])),
        _hostile(shape=const([2, 6, 6, 4]), y=replace(Y, shape=(2, 6, 6, 4))),
        _hostile(shape=const([1, 6, 6, 5]), y=replace(Y, shape=(1, 6, 6, 5))),
        _hostile(shape=const([1, 7, 6, 4])),
        _hostile(shape=const([1, 1 << 21, 6, 4]), y=replace(Y, shape=(1, 1 << 21, 6, 4))),
        _hostile(w=replace(W, data=None)),
        _hostile(w=replace(W, zero_points=(1,))),
        _hostile(x=d.q8((1, 3, 3, 3), 0.5, 3)),
        _hostile(x=replace(X, dtype="int16"), y=replace(Y, dtype="int16")),
        _hostile(x=replace(X, scales=(), zero_points=())),
        _hostile(extra=(const([1, 2]),)),
        _hostile(strideH=0),
        _hostile(strideW=-1),
        _hostile(padding=2),
        _hostile(fusedActivationFunction=4),
    ],
    ids=str,
)
def test_refused_in_one_line(hostile: Case) -> None:
    with pytest.raises(BadInput) as refusal:
        lower(import_tflite(hostile.model, "hostile"), frozenset())
    assert "\n" not in refusal.value.line and len(refusal.value.line) < 400
