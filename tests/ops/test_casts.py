"""CAST and SHAPE against the reference."""

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

TYPES = ("int8", "int16", "int32", "float32", "bool", "uint8", "int64")
LIMIT = {"int8": 128.0, "int16": 32768.0, "int32": 2.0**31}


def _cast_case(shape: tuple[int, ...], before: str, after: str, seed: int) -> Case:
    given = ()
    if before == "float32" and after in LIMIT:  # beyond the type's range the reference is not defined
        limit = np.float32(LIMIT[after])
        values = np.random.default_rng(seed).uniform(-limit, limit, shape).astype(np.float32)
        given = ((np.clip(values, -limit, np.nextafter(limit, np.float32(0))),),)
    return one_op("CAST", [T(shape, before)], T(shape, after), "CastOptions", seed, given=given)


@cases_of("CAST", before="int8")
@cases_of("CAST", before="int16")
@cases_of("CAST", before="int32")
@cases_of("CAST", before="float32")
@cases_of("CAST", before="bool")
@st.composite
def _cast(draw: st.DrawFn, before: str) -> Case:
    return _cast_case(draw(d.shapes(1, 4, 300)), before, draw(st.sampled_from(TYPES)), draw(d.seeds))


def _fewer_types(case: Case, _refusal: str) -> bool:
    """The reference also casts to and from a few types that int8 models do not have."""
    return {t.dtype for t in case.tensors} & {"uint8", "int64"} != set()


def test_cast(tmp_path: Path) -> None:
    cases = [_cast_case((300,), before, after, 1) for before in TYPES for after in TYPES]
    cases += [case for before in TYPES for case in generate(_cast(before), 9)]
    assert compare(cases, tmp_path, _fewer_types) > 45


def test_cast_beyond_the_range(tmp_path: Path) -> None:
    values = np.array([3e38, -3e38, np.inf, -np.inf, np.nan, 2.0**31, -(2.0**31), 1.9, -1.9], np.float32)
    for dtype in LIMIT:
        graph = importable(one_op("CAST", [T((9,), "float32")], T((9,), dtype), "CastOptions"))
        assert isinstance(graph, Graph)
        (result,) = native.run([graph], [[[values]]], tmp_path / dtype)
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
        assert result[0][0].tolist() == [high, low, high, low, 0, high, low, 1, -1]


@cases_of("SHAPE")
@st.composite
def _shape(draw: st.DrawFn) -> Case:
    x = T(draw(d.shapes(1, 5, 300)), draw(st.sampled_from(("int8", "float32", "int32", "bool"))))
    out = T((len(x.shape),), draw(st.sampled_from(("int32", "int32", "int64"))))
    return one_op("SHAPE", [x], out, "ShapeOptions", draw(d.seeds), outType=2 if out.dtype == "int32" else 4)


def test_shape(tmp_path: Path) -> None:
    assert compare(generate(_shape(), 40), tmp_path) > 15
