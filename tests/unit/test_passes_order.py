"""The order of layers: the best of all orders on small graphs, never more memory than the file's, always the same."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from build_tflite import Node, T, build
from hypothesis import given
from hypothesis import strategies as st

from tinygen import compiled
from tinygen.boards import load_board
from tinygen.compiled import Model, compile_model
from tinygen.graph.ir import Graph, Op, Quant, Tensor
from tinygen.graph.verify import verify
from tinygen.memory.lifetimes import buffers_of, live_bytes
from tinygen.ops.lowering import lower
from tinygen.passes import order
from tinygen.passes.order import least_memory_order
from tinygen.records import manifest_of

Q = Quant((0.5,), (0,))


def graph_of(sizes: list[int], layers: list[tuple[tuple[int, ...], int]], outputs: tuple[int, ...]) -> Graph:
    """Tensors of so many bytes; a layer reads some and writes one. Tensor 0 is the input."""
    tensors = tuple(Tensor(f"t{i}", (n,), "int8", Q) for i, n in enumerate(sizes))
    ops = tuple(Op("CONCATENATION", f"l{y}", xs, (y,)) for xs, y in layers)
    return Graph("model", tensors, ops, (0,), outputs)


def peak(graph: Graph) -> int:
    """By the planner's own lifetimes; every layer is taken for one that runs code."""
    first = {0: -1} | {y: i for i, op in enumerate(graph.ops) for y in op.outputs}
    last = dict(first)
    for i, op in enumerate(graph.ops):
        last |= dict.fromkeys(op.inputs, i)
    last |= dict.fromkeys(graph.outputs, len(graph.ops))
    steps = range(-1, len(graph.ops) + 1)
    return max(sum(graph.tensors[t].nbytes for t in first if first[t] <= s <= last[t]) for s in steps)


def is_order(ops: tuple[Op, ...]) -> bool:
    written = {0}
    for op in ops:
        if not written.issuperset(op.inputs):
            return False
        written.update(op.outputs)
    return True


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    count = draw(st.integers(1, 6))
    sizes = [draw(st.integers(1, 50)) for _ in range(count + 1)]
    layers = []
    for y in range(1, count + 1):
        reads = draw(st.lists(st.integers(max(0, y - 4), y - 1), min_size=1, max_size=3))
        layers.append((tuple(reads), y))
    read = {x for xs, _ in layers for x in xs}
    return graph_of(sizes, layers, tuple(y for y in range(1, count + 1) if y not in read))


@given(graphs())
def test_no_order_needs_less(graph: Graph) -> None:
    found = least_memory_order(graph)
    verify(found)
    assert sorted(op.name for op in found.ops) == sorted(op.name for op in graph.ops)
    orders = (o for o in itertools.permutations(graph.ops) if is_order(o))
    best = min(peak(Graph("model", graph.tensors, o, graph.inputs, graph.outputs)) for o in orders)
    assert peak(found) == best
    assert found is graph or peak(found) < peak(graph)
    assert least_memory_order(graph) == found


@given(graphs())
def test_giving_up_is_never_worse(graph: Graph) -> None:
    limit = order.LIMIT
    try:
        order.LIMIT = 0
        found = least_memory_order(graph)
    finally:
        order.LIMIT = limit
    verify(found)
    assert found is graph or peak(found) < peak(graph)


def test_branches_run_one_after_the_other() -> None:
    """Two branches widen and narrow again: the file widens both first."""
    sizes = [10, 100, 100, 5, 5, 10]
    side_by_side = [((0,), 1), ((0,), 2), ((1,), 3), ((2,), 4), ((3, 4), 5)]
    found = least_memory_order(graph_of(sizes, side_by_side, (5,)))
    assert [op.outputs[0] for op in found.ops] == [1, 3, 2, 4, 5]
    assert peak(found) == 10 + 100 + 5


def test_a_wide_graph_ends_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """60 branches have more sets than any search can look at."""
    count = 60
    widen = [((0,), 1 + i) for i in range(count)]
    narrow = [((1 + i,), 1 + count + i) for i in range(count)]
    sizes = [10] + [100] * count + [1] * count + [count]
    join = (tuple(range(1 + count, 1 + 2 * count)), 1 + 2 * count)
    looked = 0
    ready = order._Steps.ready

    def counted(steps: order._Steps, done: int) -> list[int]:
        nonlocal looked
        looked += 1
        return ready(steps, done)

    monkeypatch.setattr(order._Steps, "ready", counted)
    graph = graph_of(sizes, [*widen, *narrow, join], (1 + 2 * count,))
    found = least_memory_order(graph)
    assert peak(graph) == 10 + 100 * count and peak(found) <= 10 + 100 + count + 1
    assert looked <= order.LIMIT + 3 * count


def test_views_cost_nothing_and_share_their_inputs_life() -> None:
    """relu(x) is seen through a RESHAPE: the view holds the bytes of its input alive until its own reader."""
    shapes = [(8,), (64,), (8, 8), (64,), (4,), (64,), (4,), (8,)]
    tensors = tuple(Tensor(f"t{i}", s, "int8", Q) for i, s in enumerate(shapes))
    pairs = [(0, 1), (1, 2), (0, 3), (2, 4), (3, 6)]
    kinds = ["CONCATENATION", "RESHAPE", "CONCATENATION", "CONCATENATION", "CONCATENATION"]
    ops = tuple(Op(k, f"l{y}", (x,), (y,)) for k, (x, y) in zip(kinds, pairs))
    graph = Graph("model", tensors, (*ops, Op("CONCATENATION", "l7", (4, 6), (7,))), (0,), (7,))
    found = least_memory_order(graph)
    assert [op.outputs[0] for op in found.ops] == [1, 2, 4, 3, 6, 7]


def test_layers_that_act_keep_their_order() -> None:
    sizes = [10, 100, 100, 5, 5, 10]
    side_by_side = [((0,), 1), ((0,), 2), ((1,), 3), ((2,), 4), ((3, 4), 5)]
    graph = graph_of(sizes, side_by_side, (5,))
    acting = Graph("model", graph.tensors, (*graph.ops, Op("ASSIGN_VARIABLE", "a", (5,), ())), (0,), (5,))
    assert least_memory_order(acting) is acting


@given(graphs())
def test_the_search_counts_as_the_planner_does(graph: Graph) -> None:
    relus = tuple(Op("RELU", op.name, op.inputs[:1], op.outputs) for op in graph.ops)
    tensors = tuple(Tensor(t.name, (graph.tensors[0].size,), "int8", Q) for t in graph.tensors)
    graph = Graph("model", tensors, relus, graph.inputs, graph.outputs)
    planned = max(live_bytes(buffers_of(graph, lower(graph, frozenset())), len(graph.ops)))
    assert order._Steps(graph).peak(range(len(graph.ops))) == planned


def branches(count: int) -> Model:
    """`count` branches that widen to 256 bytes and narrow to 16, the file widening all of them first."""
    one = {"strideH": 1, "strideW": 1}
    tensors = [T((1, 4, 4, 1), "int8", (0.5,), (0,))]
    for channels, depth in ((16, 1), (1, 16)):
        tensors.append(T((channels, 1, 1, depth), "int8", (0.1,), data=np.ones((channels, 1, 1, depth), np.int8)))
    wide, narrow = replace(tensors[0], shape=(1, 4, 4, 16)), tensors[0]
    tensors += [wide] * count + [narrow] * count + [replace(narrow, shape=(1, 4, 4, count))]
    nodes = [Node("CONV_2D", (0, 1), (3 + i,), "Conv2DOptions", one) for i in range(count)]
    nodes += [Node("CONV_2D", (3 + i, 2), (3 + count + i,), "Conv2DOptions", one) for i in range(count)]
    narrowed = tuple(range(3 + count, 3 + 2 * count))
    last = 3 + 2 * count
    nodes.append(Node("CONCATENATION", narrowed, (last,), "ConcatenationOptions", {"axis": 3}))
    return Model("branches", build(tensors, nodes, (0,), (last,)))


def test_a_model_is_compiled_in_the_better_order() -> None:
    model, board = branches(3), load_board("pico")
    made = compile_model(model, board)
    assert made.plan.arena_bytes == made.plan.lower_bound_bytes == 16 + 256 + 2 * 16
    assert [layer.op.outputs[0] for layer in made.layers] == [3, 6, 4, 7, 5, 8, 9]
    assert [layer.index for layer in made.layers] == list(range(7))
    records = manifest_of(made, optimize="balanced", toolchain=None).plan.layers
    assert [r.tensors for r in records] == [(3,), (6,), (4,), (7,), (5,), (8,), (9,)]


def test_the_file_s_order_stays_where_the_plan_of_the_other_is_no_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    def backwards(graph: Graph) -> Graph:
        return replace(graph, ops=(*graph.ops[:3][::-1], *graph.ops[3:]))

    monkeypatch.setattr(compiled, "least_memory_order", backwards)
    made = compile_model(branches(3), load_board("pico"))
    assert [layer.op.outputs[0] for layer in made.layers] == [3, 4, 5, 6, 7, 8, 9]
