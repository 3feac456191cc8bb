"""Layers of more than ten outputs or inputs run in steps, and compute what the reference computes in one."""

from __future__ import annotations

from pathlib import Path

import cases
import native
import numpy as np
import pytest
from build_tflite import Node, T, const
from cases import Case
from test_parts import parted

from tinygen.errors import BadInput
from tinygen.frontend.importer import check_shapes, import_tflite
from tinygen.graph.ir import Graph
from tinygen.graph.verify import verify
from tinygen.ops.lowering import lower
from tinygen.passes import optimize

pytestmark = [pytest.mark.needs_cc, pytest.mark.needs_tflm]


def q(*shape: int, dtype: str = "int8") -> T:
    return T(shape, dtype, (0.5,), (3,)) if dtype == "int8" else T(shape, dtype)


def _pack(count: int, axis: int, dtype: str = "int8") -> Case:
    x, y = q(2, 3, dtype=dtype), [2, 3]
    y.insert(axis if axis >= 0 else axis + 3, count)
    node = Node("PACK", tuple(range(count)), (count,), "PackOptions", {"valuesCount": count, "axis": axis})
    return Case((*[x] * count, q(*y, dtype=dtype)), (node,), tuple(range(count)), (count,), 3)


def _round_trip(count: int) -> Case:
    """A tensor unpacked and packed again, along another axis."""
    tensors = (q(2, count, 3), *[q(2, 3)] * count, q(count, 2, 3))
    middle = tuple(range(1, count + 1))
    unpack = Node("UNPACK", (0,), middle, "UnpackOptions", {"num": count, "axis": 1})
    pack = Node("PACK", middle, (count + 1,), "PackOptions", {"valuesCount": count, "axis": 0})
    return Case(tensors, (unpack, pack), (0,), (count + 1,), 4)


CASES = [
    parted("SPLIT", [const([1])], q(2, 22, 3), [], [q(2, 2, 3)] * 11, 1, numSplits=11),
    parted("SPLIT_V", [], q(2, 20), [const([9, *[1] * 11]), const([-1])], [q(2, 9), *[q(2, 1)] * 11], 1, numSplits=12),
    parted("UNPACK", [], q(2, 30, dtype="int16"), [], [q(2, dtype="int16")] * 30, 2, num=30, axis=1),
    parted("UNPACK", [], q(12), [], [q()] * 12, 2, num=12, axis=0),
    _pack(11, 0),
    _pack(30, -1),
    _pack(24, 1, "float32"),
    _round_trip(37),
]


def _optimized(case: Case) -> Graph:
    graph = optimize(import_tflite(case.model, "parts"))
    verify(graph)
    check_shapes(graph)
    return graph


@pytest.mark.parametrize("case", CASES, ids=[f"{c.nodes[0].kind}-{len(c.tensors)}" for c in CASES])
def test_the_same_bits(case: Case, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="more than 10"):
        lower(import_tflite(case.model, "parts"), frozenset())
    expected = cases.ORACLE.run(case.model, case.samples(), len(case.outputs))
    assert expected is not None
    (got,) = native.run([_optimized(case)], [case.samples()], tmp_path)
    for wanted, found in zip(expected, got):
        assert all(np.array_equal(a, b) for a, b in zip(wanted, found))


def test_ten_stay_one_layer_and_what_is_refused_stays_refused() -> None:
    assert [op.kind for op in _optimized(_pack(10, 0)).ops] == ["PACK"]
    ten = parted("UNPACK", [], q(10, 2), [], [q(2)] * 10, 2, num=10, axis=0)
    assert [op.kind for op in _optimized(ten).ops] == ["UNPACK"]
    bools = parted("UNPACK", [], q(11, 2, dtype="bool"), [], [q(2, dtype="bool")] * 11, 2, num=11, axis=0)
    for case in (bools, _pack(101, 0)):
        with pytest.raises(BadInput):
            lower(_optimized(case), frozenset())
