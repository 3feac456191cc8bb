"""QUANTIZE and DEQUANTIZE between all types, and an int8 model with float ends."""

from __future__ import annotations

from pathlib import Path

import draw as d
import numpy as np
from build_tflite import Node, T
from cases import Case, compare, generate, one_op
from hypothesis import strategies as st
from strategies import cases_of

TYPES = ("float32", "int8", "uint8", "int16", "int32")


@st.composite
def _tensor(draw: st.DrawFn, dtype: str, shape: tuple[int, ...], scale: float) -> T:
    if dtype == "float32":
        return T(shape, dtype)
    zero = {
        "int8": d.zero_points,
        "uint8": st.sampled_from((0, 128, 255, 7)),
        "int16": st.sampled_from((0, 0, 5, -32768)),
        "int32": st.just(0),
    }[dtype]
    return T(shape, dtype, (scale,), (draw(zero),))


@cases_of("QUANTIZE")
@st.composite
def _quantize(draw: st.DrawFn) -> Case:
    scale = draw(d.scales(-10, 0))
    ratio = draw(st.sampled_from((1.0, 1.0, 256.0, 1 / 256, 0.37, 2.9, 100.0, 2.0**-20)))
    source, target = draw(st.sampled_from(TYPES)), draw(st.sampled_from(TYPES[1:]))
    x = draw(_tensor(source, (300,), scale))
    out_scale = float(np.float32(scale * ratio)) if draw(st.booleans()) else draw(d.rational(scale))
    if source == "float32":  # beyond 2^31 steps the reference is not defined
        out_scale = max(out_scale, 2.0**-22)
    y = draw(_tensor(target, (300,), out_scale))
    return one_op("QUANTIZE", [x], y, "QuantizeOptions", draw(d.seeds))


@cases_of("DEQUANTIZE")
@st.composite
def _dequantize(draw: st.DrawFn) -> Case:
    source = draw(st.sampled_from(TYPES[1:]))
    x = draw(_tensor(source, (300,), draw(d.scales(-30, 10))))
    return one_op("DEQUANTIZE", [x], T((300,), "float32"), "DequantizeOptions", draw(d.seeds))


def test_quantize(tmp_path: Path) -> None:
    assert compare(generate(_quantize(), 300), tmp_path) > 100


def test_dequantize(tmp_path: Path) -> None:
    assert compare(generate(_dequantize(), 80), tmp_path) > 40


def test_int8_model_with_float_ends(tmp_path: Path) -> None:
    tensors = (
        T((1, 64), "float32"),
        d.q8((1, 64), 0.25, -3),
        d.q8((1, 64), 1 / 256, -128),
        T((1, 64), "float32"),
    )
    nodes = (
        Node("QUANTIZE", (0,), (1,), "QuantizeOptions"),
        Node("LOGISTIC", (1,), (2,)),
        Node("DEQUANTIZE", (2,), (3,), "DequantizeOptions"),
    )
    assert compare([Case(tensors, nodes, (0,), (3,), seed) for seed in range(3)], tmp_path) == 3
