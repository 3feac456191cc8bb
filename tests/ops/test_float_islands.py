"""Float islands as tables: all 256 inputs against the reference, which runs the float operators one by one."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import draw as d
import native
import numpy as np
import pytest
from build_tflite import Node, T, const
from cases import ORACLE, Case, generate
from hypothesis import strategies as st

from tinygen.errors import BadInput
from tinygen.frontend.importer import import_tflite
from tinygen.graph.ir import Graph
from tinygen.ops._float_math import FLOAT_FUNCTIONS
from tinygen.ops.lowering import lower
from tinygen.passes import optimize

EVERY = np.arange(-128, 128, dtype=np.int8)
UNARY = (
    "ABS CEIL COS ELU EXP FLOOR HARD_SWISH LEAKY_RELU LOG LOGISTIC NEG RELU RELU6 ROUND RSQRT SIN SQRT SQUARE TANH"
).split()
FUSING = {"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions", "DIV": "DivOptions"}
BINARY = [*FUSING, "MAXIMUM", "MINIMUM", "FLOOR_DIV", "FLOOR_MOD", "SQUARED_DIFFERENCE", "PRELU"]
COMPARISONS = "EQUAL NOT_EQUAL LESS LESS_EQUAL GREATER GREATER_EQUAL".split()


class Island:
    """Grows float operators on the DEQUANTIZE of one int8 tensor."""

    def __init__(self, draw: Any, shape: tuple[int, ...] = (256,)) -> None:
        self.draw, self.shape = draw, shape
        x = d.q8(shape, draw(d.scales(-9, 1)), draw(d.zero_points))
        self.tensors, self.nodes = [x], []
        self.last = self.add("DEQUANTIZE", (0,))
        self.floats = [self.last]

    def add(self, kind: str, inputs: tuple[int, ...], dtype: str = "float32", options: str = "", **fields: Any) -> int:
        self.tensors.append(T(self.shape, dtype))
        self.nodes.append(Node(kind, inputs, (len(self.tensors) - 1,), options, fields))
        return len(self.tensors) - 1

    def constant(self) -> int:
        """A number, alone or as often as a tensor may hold it, now and then out of a DEQUANTIZE."""
        value = self.draw(st.sampled_from((0.5, 1.0, -1.0, 2.0, -0.3, 0.1, 3.0, 1.0507, 6.0)))
        shape = self.draw(st.sampled_from(((), (1,), self.shape)))
        if self.draw(st.integers(0, 4)) == 0:
            self.tensors.append(T(shape, "int8", (abs(value),), (0,), 0, np.full(shape, 1, np.int8)))
            index = self.add("DEQUANTIZE", (len(self.tensors) - 1,))
            self.tensors[index] = replace(self.tensors[index], shape=shape)
            return index
        self.tensors.append(const(np.full(shape, value), "float32"))
        return len(self.tensors) - 1

    def grow(self) -> None:
        one, draw = draw_from(self.draw, self.floats), self.draw
        pick = draw(st.sampled_from(("unary", "unary", "constant", "constant", "join", "select", "count")))
        if pick == "unary":
            kind = draw(st.sampled_from(UNARY))
            more = {"options": "LeakyReluOptions", "alpha": draw(st.sampled_from((0.1, 1.5, -0.5)))}
            new = self.add(kind, (one,), **(more if kind == "LEAKY_RELU" else {}))
        elif pick in ("constant", "join"):
            kind = draw(st.sampled_from(BINARY))
            both = (one, self.constant() if pick == "constant" else draw_from(draw, self.floats))
            fused = {"options": FUSING[kind], "fusedActivationFunction": draw(d.fused)} if kind in FUSING else {}
            new = self.add(kind, both if kind == "PRELU" or draw(st.booleans()) else both[::-1], **fused)
        else:
            chosen = self.add(draw(st.sampled_from(COMPARISONS)), (one, self.constant()), "bool")
            if draw(st.booleans()):
                other = self.add("LESS", (draw_from(draw, self.floats), self.constant()), "bool")
                chosen = self.add(draw(st.sampled_from(("LOGICAL_AND", "LOGICAL_OR"))), (chosen, other), "bool")
                chosen = self.add("LOGICAL_NOT", (chosen,), "bool")
            if pick == "count":
                new = self.add("CAST", (chosen,), options="CastOptions")
            else:
                new = self.add("SELECT_V2", (chosen, draw_from(draw, self.floats), draw_from(draw, self.floats)))
        self.floats.append(new)
        self.last = new

    def case(self) -> Case:
        y = d.q8(self.shape, self.draw(d.scales(-9, 1)), self.draw(d.zero_points))
        self.tensors.append(y)
        end = len(self.tensors) - 1
        nodes = (*self.nodes, Node("QUANTIZE", (self.last,), (end,), "QuantizeOptions"))
        return Case(tuple(self.tensors), nodes, (0,), (end,), given=((EVERY.reshape(self.shape),),))


def draw_from(draw: Any, values: list[int]) -> int:
    return int(draw(st.one_of(st.just(values[-1]), st.sampled_from(values))))


@st.composite
def islands(draw: st.DrawFn) -> Case:
    island = Island(draw, draw(st.sampled_from(((256,), (1, 16, 16), (2, 4, 8, 4)))))
    for _ in range(draw(st.integers(1, 6))):
        island.grow()
    return island.case()


@st.composite
def single(draw: st.DrawFn, kind: str) -> Case:
    island = Island(draw)
    more = {"options": "LeakyReluOptions", "alpha": draw(st.floats(-2, 2, width=32))} if kind == "LEAKY_RELU" else {}
    if kind in ("LOG", "SQRT", "RSQRT") and draw(st.integers(0, 5)):  # defined above 0, which every int8 tensor holds
        island.tensors.append(const(draw(st.sampled_from((0.01, 1.0))), "float32"))
        above = len(island.tensors) - 1
        island.last = island.add("ADD", (island.add("SQUARE", (island.last,)), above), options="AddOptions")
    constants = [island.constant() for _ in range(kind in BINARY)]
    fused = {"options": FUSING[kind], "fusedActivationFunction": draw(d.fused)} if kind in FUSING else {}
    island.last = island.add(kind, (island.last, *constants), **more, **fused)
    return island.case()


def folded(case: Case) -> Graph | None:
    """Our graph, a TABLE alone; None where the island stayed and was refused."""
    graph = optimize(import_tflite(case.model, "case"))
    if [op.kind for op in graph.ops] == ["TABLE"]:
        return graph
    with pytest.raises(BadInput) as refusal:
        lower(graph, frozenset())
        assert [op.kind for op in graph.ops] == ["DEQUANTIZE", "QUANTIZE"]
        raise BadInput("nothing in between")
    assert refusal.value.hint or refusal.value.what == "nothing in between"
    return None


def undefined(case: Case) -> bool:
    """Whether the float values that the reference gives cannot be told in steps of 32 bits."""
    end = case.nodes[-1]
    before = Case(case.tensors, case.nodes[:-1], (0,), end.inputs, given=case.given)
    outputs = ORACLE.run(before.model, before.samples()[:1])
    if outputs is None:
        return True  # a division by zero ends the reference
    with np.errstate(all="ignore"):
        steps = outputs[0][0] / np.float32(case.tensors[end.outputs[0]].scales[0])
    return not np.isfinite(steps).all() or float(np.abs(steps).max()) >= 2**31 - 256


def check(cases: list[Case]) -> list[Graph]:
    """Compares every table with the reference; what we do not fold must be undefined there."""
    graphs = []
    for case in cases:
        graph = folded(case)
        if graph is None:
            assert undefined(case), case
            continue
        wanted = ORACLE.run(case.model, case.samples()[:1])
        if wanted is None:  # the reference stops at a division by zero, whatever is made of it afterwards
            assert any(node.kind == "FLOOR_DIV" for node in case.nodes), case
            continue
        assert list(graph.ops[0].attrs.values) == wanted[0][0].reshape(-1).tolist(), case
        graphs.append(graph)
    return graphs


@pytest.mark.parametrize("kind", [*UNARY, *BINARY])
def test_one_operator_over_many_scales(kind: str) -> None:
    assert len(check(generate(single(kind), 60))) > 20


def test_islands(tmp_path: Path) -> None:
    found = generate(islands(), 400)
    graphs = check(found)
    assert len(graphs) > 250
    seen = Counter(node.kind for case in found for node in case.nodes)
    assert set(seen) >= set(FLOAT_FUNCTIONS) | {"CAST"}
    some = graphs[::10]
    samples = [[[EVERY.reshape(graph.tensors[graph.inputs[0]].shape)]] for graph in some]
    for graph, result in zip(some, native.run(some, samples, tmp_path)):
        assert result[0][0].reshape(-1).tolist() == list(graph.ops[0].attrs.values)
