"""What a hostile file can say about reductions, operands and products of matrices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import draw as d
import pytest
from build_tflite import T, const
from cases import Case, one_op

from tinygen.errors import BadInput
from tinygen.frontend.importer import import_tflite
from tinygen.ops.lowering import lower

X = d.q8((2, 3, 4), 0.5, 3)
FLAT = d.q8((1, 6), 0.5, 3)
TRUTH = T((1, 6), "bool")


def _matmul(a: T, b: T, y: T, **fields: bool) -> Case:
    return one_op("BATCH_MATMUL", [a, b], y, "BatchMatMulOptions", **fields)


def hostile() -> Iterator[tuple[str, Case]]:
    """(a name, a model that must be refused)."""
    for kind in ("SUM", "REDUCE_MAX", "REDUCE_MIN"):
        yield f"{kind} axis", one_op(kind, [X, const([3])], X, "ReducerOptions", keepDims=True)
        yield f"{kind} axes at run time", one_op(kind, [X, T((1,), "int32")], X, "ReducerOptions", keepDims=True)
        yield f"{kind} axes int64", one_op(kind, [FLAT, const([0], "int64")], FLAT, "ReducerOptions", keepDims=True)
        yield f"{kind} shape", one_op(kind, [X, const([0])], X, "ReducerOptions", keepDims=True)
        yield f"{kind} without a scale", one_op(kind, [T((1, 6)), const([0])], T((1, 6)), "ReducerOptions",
                                                keepDims=True)  # fmt: skip
        yield f"{kind} of six groups", one_op(kind, [d.q8((2,) * 8, 1, 0), const([0, 2, 4, 6])], d.q8((2,) * 4, 1, 0),
                                              "ReducerOptions", keepDims=False)  # fmt: skip
    for kind in ("ARG_MAX", "ARG_MIN"):
        places = T((2, 4), "int32")
        yield f"{kind} axis", one_op(kind, [X, const([3])], places)
        yield f"{kind} two axes", one_op(kind, [X, const([1, 2])], places)
        yield f"{kind} axis at run time", one_op(kind, [X, T((1,), "int32")], places)
        yield f"{kind} to int64", one_op(kind, [X, const([1])], T((2, 4), "int64"))
        yield f"{kind} to int8", one_op(kind, [X, const([1])], d.q8((2, 4), 1, 0))
        yield f"{kind} of uint8", one_op(kind, [replace(X, dtype="uint8"), const([1])], places)
    for kind in ("MAXIMUM", "MINIMUM", "PRELU", "SQUARED_DIFFERENCE", "DIV"):
        yield f"{kind} shapes", one_op(kind, [FLAT, d.q8((1, 5), 1, 0)], FLAT)
        yield f"{kind} types", one_op(kind, [FLAT, T((1, 6), "int16", (1.0,), (0,))], FLAT)
        yield f"{kind} without a scale", one_op(kind, [FLAT, T((1, 6))], FLAT)
        yield f"{kind} to float", one_op(kind, [FLAT, FLAT], T((1, 6), "float32"))
        yield f"{kind} narrower output", one_op(kind, [FLAT, FLAT], d.q8((1, 5), 0.5, 3))
    yield "prelu per channel", one_op("PRELU", [d.q8((1, 2), 1, 0), T((1, 2), "int8", (1.0, 2.0), (0, 0), 1)],
                                      d.q8((1, 2), 1, 0))  # fmt: skip
    yield "prelu left shift", one_op("PRELU", [FLAT, FLAT], d.q8((1, 6), 1e-12, 0))
    yield "div left shift", one_op("DIV", [FLAT, FLAT], d.q8((1, 6), 1e-12, 0))
    yield "squared difference left shift", one_op("SQUARED_DIFFERENCE", [FLAT, FLAT], d.q8((1, 6), 1e-15, 0))
    for kind in ("EQUAL", "LESS"):
        yield f"{kind} to int8", one_op(kind, [FLAT, FLAT], FLAT)
        yield f"{kind} scale of 1", one_op(kind, [FLAT, d.q8((1, 6), 1.0, 0)], TRUTH)
        yield f"{kind} types", one_op(kind, [FLAT, T((1, 6), "int32")], TRUTH)
        yield f"{kind} without a scale", one_op(kind, [FLAT, T((1, 6))], TRUTH)
    yield "less of truths", one_op("LESS", [TRUTH, TRUTH], TRUTH)
    yield "and of int8", one_op("LOGICAL_AND", [FLAT, FLAT], TRUTH)
    yield "not of int8", one_op("LOGICAL_NOT", [FLAT], TRUTH)
    yield "select by int8", one_op("SELECT_V2", [FLAT, FLAT, FLAT], FLAT)
    yield "select types", one_op("SELECT_V2", [TRUTH, FLAT, T((1, 6), "int16", (1.0,), (0,))], FLAT)
    yield "select to int16", one_op("SELECT_V2", [TRUTH, FLAT, FLAT], T((1, 6), "int16", (1.0,), (0,)))
    yield "select shapes", one_op("SELECT_V2", [T((1, 5), "bool"), FLAT, FLAT], FLAT)
    yield "l2 fused", one_op("L2_NORMALIZATION", [FLAT], FLAT, "L2NormOptions", fusedActivationFunction=1)
    yield "l2 of five dimensions", one_op("L2_NORMALIZATION", [d.q8((1,) * 5, 1, 0)], d.q8((1,) * 5, 1, 0))
    wide = d.q8((1, 40_000), 1, -128)
    yield "l2 beyond 32 bits", one_op("L2_NORMALIZATION", [wide], wide)
    a, b = d.q8((2, 3, 4), 0.1, 0), d.q8((2, 4, 5), 0.1, 0)
    yield "matmul depth", _matmul(a, b, d.q8((2, 3, 5), 0.1, 0), adjX=True)
    yield "matmul batches", _matmul(a, d.q8((3, 4, 5), 0.1, 0), d.q8((2, 3, 5), 0.1, 0))
    yield "matmul of one dimension", _matmul(d.q8((4,), 0.1, 0), d.q8((4, 5), 0.1, 0), d.q8((1, 5), 0.1, 0))
    yield "matmul of six dimensions", _matmul(d.q8((1,) * 6, 0.1, 0), d.q8((1,) * 6, 0.1, 0), d.q8((1,) * 6, 0.1, 0))
    yield "matmul types", _matmul(a, replace(b, dtype="int16"), d.q8((2, 3, 5), 0.1, 0))
    yield "matmul left shift", _matmul(a, b, d.q8((2, 3, 5), 1e-13, 0))
    yield "matmul output", _matmul(a, b, d.q8((2, 5, 3), 0.1, 0))
    yield "matmul per channel", _matmul(a, T((4, 2), "int8", (0.1, 0.2), (0, 0), 1), d.q8((2, 3, 2), 0.1, 0))
    yield "cast to uint8", one_op("CAST", [T((1, 6))], T((1, 6), "uint8"))
    yield "cast shape", one_op("CAST", [T((1, 6))], T((1, 7), "int32"))
    yield "shape to int64", one_op("SHAPE", [FLAT], T((2,), "int64"))
    yield "shape of another rank", one_op("SHAPE", [FLAT], T((3,), "int32"))
    yield "abs left shift", one_op("ABS", [FLAT], d.q8((1, 6), 1e-11, 0))
    yield "rsqrt left shift", one_op("RSQRT", [FLAT], d.q8((1, 6), 1e-11, 0))
    yield "elu tiny output scale", one_op("ELU", [FLAT], d.q8((1, 6), 1e-12, 0))
    yield "elu infinite inverse", one_op("ELU", [FLAT], d.q8((1, 6), 1e-40, 0))
    yield "elu of float", one_op("ELU", [T((1, 6), "float32")], T((1, 6), "float32"))


@pytest.mark.parametrize(("name", "case"), list(hostile()), ids=[name for name, _ in hostile()])
def test_refused_in_one_line(name: str, case: Case) -> None:
    with pytest.raises(BadInput) as refusal:
        lower(import_tflite(case.model, "hostile"), frozenset())
    assert "\n" not in refusal.value.line and len(refusal.value.line) < 400
