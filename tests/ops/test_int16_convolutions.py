"""Convolutions of int16 activations with int8 weights against the reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import draw as d
import draw_int16 as d16
import native
import numpy as np
import pytest
import test_convolutions as int8
from build_tflite import Node, T, const
from cases import ORACLE, Case, compare, generate, importable, one_op
from hypothesis import strategies as st
from strategies import cases_of

from tinygen.errors import BadInput
from tinygen.frontend.importer import import_tflite
from tinygen.passes import optimize


@cases_of("CONV_2D")
@st.composite
def conv(draw: st.DrawFn) -> Case:
    options, kernel, size, out = draw(int8._window())
    groups = draw(st.sampled_from((1, 1, 1, 2, 3)))
    group_c, filters = draw(st.integers(1, 5)), draw(st.integers(1, 4)) * groups
    if draw(st.integers(0, 3)) == 0:
        kernel, options, out = (1, 1), options | {"strideH": 1, "strideW": 1}, size
    batch = draw(st.sampled_from((1, 1, 2)))
    x = draw(d16.activations((batch, *size, group_c * groups)))
    w = draw(d16.weights((filters, *kernel, group_c), draw(st.sampled_from((0, 0, None)))))
    y = draw(d16.output((batch, *out, filters), x, w, kernel[0] * kernel[1] * group_c))
    bias, stated = draw(d16.bias(x, w, filters, ("int64", "int32")))
    return one_op("CONV_2D", [x, w, *bias], y, "Conv2DOptions", draw(d.seeds), **options, **stated)


@cases_of("DEPTHWISE_CONV_2D")
@st.composite
def depthwise(draw: st.DrawFn) -> Case:
    options, kernel, size, out = draw(int8._window())
    channels, multiplier = draw(st.integers(1, 5)), draw(st.sampled_from((1, 1, 2, 3)))
    filters = channels * multiplier
    batch = draw(st.sampled_from((1, 1, 2)))
    x = draw(d16.activations((batch, *size, channels)))
    w = draw(d16.weights((1, *kernel, filters), draw(st.sampled_from((3, 3, None)))))
    y = draw(d16.output((batch, *out, filters), x, w, kernel[0] * kernel[1]))
    bias, _ = draw(d16.bias(x, w, filters))
    fields = options | {"depthMultiplier": multiplier}
    return one_op("DEPTHWISE_CONV_2D", [x, w, *bias], y, "DepthwiseConv2DOptions", draw(d.seeds), **fields)


@cases_of("TRANSPOSE_CONV")
@st.composite
def transpose_conv(draw: st.DrawFn) -> Case:
    padding = draw(st.integers(0, 1))
    kernel = [draw(st.integers(1, 5)) for _ in range(2)]
    stride = [draw(st.integers(1, 4)) for _ in range(2)]
    size = [draw(st.integers(1, 5)) for _ in range(2)]
    out = [n * s if padding == 0 else n * s + max(k - s, 0) for n, k, s in zip(size, kernel, stride)]
    if draw(st.integers(0, 3)) == 0:  # an output of another size: the reference takes it as it comes
        out = [max(1, n + draw(st.integers(-3, 3))) for n in out]
    batch, in_c, out_c = draw(st.sampled_from((1, 1, 2))), draw(st.integers(1, 5)), draw(st.integers(1, 5))
    x = draw(d16.activations((batch, *size, in_c)))
    w = draw(d16.weights((out_c, *kernel, in_c), draw(st.sampled_from((0, 0, None)))))
    y = draw(d16.output((batch, *out, out_c), x, w, in_c * 2))
    bias, _ = draw(d16.bias(x, w, out_c, ("int64", "int64", "int16")))
    stated = draw(st.sampled_from(({}, d16.SUM_IN_32_BITS)))  # which TRANSPOSE_CONV does not look at
    return one_op(
        "TRANSPOSE_CONV", [const([batch, *out, out_c]), w, x, *bias], y, "TransposeConvOptions", draw(d.seeds),
        padding=padding, strideH=stride[0], strideW=stride[1], fusedActivationFunction=draw(d.fused), **stated,
    )  # fmt: skip


def test_conv2d(tmp_path: Path) -> None:
    cases = generate(conv(), 200)
    assert compare(cases, tmp_path, d16.undefined) > 120
    kinds = d16.kernels(cases)
    assert min(kinds[f"tg_conv2d_s16{kind}"] for kind in ("", "_deep", "_wraps")) > 5, kinds


def test_depthwise_conv2d(tmp_path: Path) -> None:
    cases = generate(depthwise(), 120)
    assert compare(cases, tmp_path, d16.undefined) > 75
    kinds = d16.kernels(cases)
    assert min(kinds[f"tg_depthwise_conv2d_s16{kind}"] for kind in ("", "_deep")) > 5, kinds


def test_transpose_conv(tmp_path: Path) -> None:
    cases = generate(transpose_conv(), 120)
    assert compare(cases, tmp_path, d16.undefined) > 75
    kinds = d16.kernels(cases)
    assert min(kinds[f"tg_transpose_conv_s16{kind}"] for kind in ("", "_deep")) > 5, kinds


OPTIONS = {
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions",
    "TRANSPOSE_CONV": "TransposeConvOptions",
}
#: Real multipliers at which the reduction to 16 bits rounds, or is cut at 0x7FFF: all of 24 bits, as a scale has.
EDGES = (0x7FFE8000, 0x7FFE7F80, 0x7FFF0000, 0x7FFEFF80, 0x7FFF8000, 0x7FFFFF80, 0x40000000, 0x40007F80, 0x40008000)


def _reduced(multiplier: int) -> int:
    return 0x7FFF if multiplier >= 0x7FFF0000 else (multiplier + 0x8000) >> 16


def _edges(form: str, shifts: Sequence[int], dtype: str = "int64") -> Case:
    """All values times 1, a channel for each of EDGES; biases put the middle of the channel's sums on a half."""
    count, axis = len(EDGES), 3 if form == "DEPTHWISE_CONV_2D" else 0
    side = 64 if form == "TRANSPOSE_CONV" else 128  # the reference's sums fill its arena there: every fourth value
    rows = (side * side, 1) if form == "FULLY_CONNECTED" else (1, side, side, 1)
    values = np.linspace(-32768, 32767, 4 * side * side).round().astype(np.int16)
    samples = tuple((part.reshape(rows),) for part in values.reshape(4, -1))
    scales = tuple(edge * 2.0 ** (shift - 31) for edge, shift in zip(EDGES, shifts))
    shape = (*(1 for _ in rows[1:]), count) if axis else (count, *(1 for _ in rows[1:]))
    x, y = d16.q16(rows, 1.0), d16.q16((*rows[:-1], count), 1.0)
    w = T(shape, "int8", scales, (0,) * count, axis, np.full(shape, 1, np.int8))
    middles = [round((k - 4.5) * 2 ** (15 - s) / _reduced(edge)) for k, (edge, s) in enumerate(zip(EDGES, shifts))]
    bias = const(np.clip(middles, np.iinfo(dtype).min, np.iinfo(dtype).max), dtype)
    fields = {} if axis or form == "FULLY_CONNECTED" else {"padding": 1}
    fields |= {} if form == "FULLY_CONNECTED" else {"strideH": 1, "strideW": 1}
    fields |= {"depthMultiplier": count} if axis else {}
    inputs = [const(y.shape), w, x, bias] if form == "TRANSPOSE_CONV" else [x, w, bias]
    return one_op(form, inputs, y, OPTIONS[form], given=samples, **fields)


@pytest.mark.parametrize("shift", [-31, -16, -15, -1, 0, 1, 14])
def test_every_input_at_the_edges_of_multipliers(tmp_path: Path, shift: int) -> None:
    cases = [_edges(form, (shift,) * len(EDGES)) for form in ("CONV_2D", "DEPTHWISE_CONV_2D")]
    assert compare(cases, tmp_path) == len(cases)
    for case in cases:
        outputs = np.concatenate([sample[0] for sample in ORACLE.run(case.model, case.samples()) or []])
        assert all(len(np.unique(outputs[..., c])) > 1 for c in range(len(EDGES)))


def test_channels_with_shifts_to_both_sides(tmp_path: Path) -> None:
    far, near = (-31, 14, -16, 0, 1, -1, 7, -8, 3), (-31, 30, -16, 0, 1, -1, 7, -8, 3)
    cases = [_edges(form, far) for form in OPTIONS]
    cases += [_edges(form, near, "int32") for form in ("CONV_2D", "FULLY_CONNECTED")]
    assert compare(cases, tmp_path) == len(cases)


def _long(form: str, length: int, stated: dict[str, int]) -> Case:
    """One output of that many products of 2^22, which pass 32 bits from 512 of them on."""
    row = (1, 1, length, 1) if form in ("row", "depthwise") else (1, 1, 1, length)
    x, y = d16.q16(row, 1.0), d16.q16((1, 1, 1, 1), 2.0**18)
    w = T(row, "int8", (1.0,), (0,), 0, np.full(row, -128, np.int8))
    given = ((np.full(row, -32768, np.int16),),)
    fields = {"padding": 1, "strideH": 1, "strideW": 1}
    if form == "transposed":
        return one_op("TRANSPOSE_CONV", [const([1] * 4), w, x], y, "TransposeConvOptions", given=given, **fields)
    if form == "depthwise":
        fields |= {"depthMultiplier": 1}
        return one_op("DEPTHWISE_CONV_2D", [x, w], y, "DepthwiseConv2DOptions", given=given, **fields)
    return one_op("CONV_2D", [x, w], y, "Conv2DOptions", given=given, **fields, **stated)


def test_sums_beyond_32_bits(tmp_path: Path) -> None:
    """Wide sums go on, those of layers that sum in 32 bits wrap."""
    lengths = (510, 511, 512, 513, 1022, 1023, 1600)
    forms = [(form, {}) for form in ("row", "channels", "depthwise", "transposed")]
    forms += [(form, d16.SUM_IN_32_BITS) for form in ("row", "channels")]
    cases = [_long(form, length, stated) for form, stated in forms for length in lengths]
    assert compare(cases, tmp_path) == len(cases)


def _biased(bias: int, multiplier: float, dtype: str = "int64") -> Case:
    x, y = d16.q16((1, 3, 3, 1), 1.0), d16.q16((1, 3, 3, 2), 1.0)
    w = T((2, 2, 2, 1), "int8", (multiplier,), (0,), 0, np.array([1, -2, 3, 4] * 2, np.int8).reshape(2, 2, 2, 1))
    values = T((2,), dtype, (multiplier,), (0,), 0, np.array([bias, -bias], dtype))
    return one_op("CONV_2D", [x, w, values], y, "Conv2DOptions", padding=0, strideH=1, strideW=1)


def test_biases_up_to_where_products_pass_64_bits(tmp_path: Path) -> None:
    """At a multiplier of 2^-13, 16384 · 2^-27: the products with biases up to 2^49 fit 64 bits."""
    most = ((1 << 63) - (1 << 26) - 1) // 16384 - 10 * 32768
    held = [_biased(bias, 2.0**-13) for bias in ((1 << 31) - 1, 1 << 31, (1 << 45) + 12345, (1 << 48) - 1, most)]
    held += [_biased((1 << 62), 2.0**-40), _biased((1 << 31) - 1, 2.0**-13, "int32")]
    assert compare(held, tmp_path / "held") == len(held)
    assert isinstance(importable(_biased(most + 1, 2.0**-13)), BadInput)
    assert isinstance(importable(_biased((1 << 63) - 1, 2.0**-40)), BadInput)


@pytest.mark.parametrize("fused", [2, 3])
def test_a_range_of_one_value(tmp_path: Path, fused: int) -> None:
    x, y = d16.q16((1, 3, 3, 1), 1.0), d16.q16((1, 3, 3, 2), 100.0)
    w = T((2, 1, 1, 1), "int8", (20.0,), (0,), 0, np.array([1, -2], np.int8).reshape(2, 1, 1, 1))
    fields = {"padding": 0, "strideH": 1, "strideW": 1, "fusedActivationFunction": fused}
    assert compare([one_op("CONV_2D", [x, w], y, "Conv2DOptions", **fields)], tmp_path) == 1


def _padded(value: int | None, depthwise: bool) -> Case:
    """input → PAD → convolution."""
    x, pads = d16.q16((1, 4, 5, 2), 0.5), const([[0, 0], [1, 2], [2, 1], [0, 0]])
    p = replace(x, shape=(1, 7, 8, 2))
    shape = (1, 3, 3, 2) if depthwise else (3, 3, 3, 2)
    w = T(shape, "int8", (0.01,), (0,), 0, np.random.default_rng(5).integers(-128, 128, shape).astype(np.int8))
    y = d16.q16((1, 5, 6, shape[3] if depthwise else 3), 2.0)
    given = [] if value is None else [replace(x, shape=(1,), data=np.array([value], np.int16))]
    fields = {"padding": 1, "strideH": 1, "strideW": 1} | ({"depthMultiplier": 1} if depthwise else {})
    kind, options = ("DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions") if depthwise else ("CONV_2D", "Conv2DOptions")
    nodes = (
        Node("PADV2" if given else "PAD", (0, 1, 5) if given else (0, 1), (2,)),
        Node(kind, (2, 3), (4,), options, fields),
    )
    return Case((x, pads, p, w, y, *given), nodes, (0,), (4,))


@pytest.mark.parametrize("depthwise", [False, True])
@pytest.mark.parametrize("value", [None, 0, 9])
def test_padding_is_folded_where_it_is_zero(tmp_path: Path, value: int | None, depthwise: bool) -> None:
    case = _padded(value, depthwise)
    graph = optimize(import_tflite(case.model, "padded"))
    assert len(graph.ops) == (2 if value else 1)
    expected = ORACLE.run(case.model, case.samples())
    assert expected is not None
    got = native.run([graph], [case.samples()], tmp_path)
    for wanted, found in zip(expected, got[0]):
        assert np.array_equal(wanted[0], found[0])
