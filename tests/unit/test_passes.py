"""The passes on their own: what each takes away, and what it must leave."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from build_tflite import Node, T, build, const

from tinygen.frontend.importer import import_tflite
from tinygen.graph.ir import Graph, State
from tinygen.graph.verify import verify
from tinygen.ops.lowering import lower
from tinygen.passes import optimize
from tinygen.passes.dead_tensors import remove_dead_layers

X = T((1, 4, 4, 2), "int8", (0.5,), (3,))
OTHER = replace(X, scales=(0.25,))


def shaped(*shape: int, like: T = X) -> T:
    return replace(like, shape=shape)


def graph_of(
    tensors: list[T], nodes: list[Node], inputs: tuple[int, ...] = (0,), outputs: tuple[int, ...] = ()
) -> Graph:
    """The imported graph; the last tensor is the output unless others are named."""
    return import_tflite(build(tensors, nodes, inputs, outputs or (len(tensors) - 1,)), "model")


def optimized(*args: object, **more: object) -> Graph:
    """The graph after every pass, still whole and with a kernel for every layer."""
    graph = optimize(graph_of(*args, **more))  # type: ignore[arg-type]
    verify(graph)
    lower(graph, frozenset())
    return graph


def kinds(graph: Graph) -> list[str]:
    return [op.kind for op in graph.ops]


def reshape(x: int, y: int) -> Node:
    return Node("RESHAPE", (x,), (y,), "ReshapeOptions")


def relu(x: int, y: int) -> Node:
    return Node("RELU", (x,), (y,))


def test_a_chain_of_views_becomes_one() -> None:
    tensors = [X, X, shaped(1, 32), shaped(2, 1, 16), shaped(2, 16), shaped(2, 16), const([1])]
    nodes = [
        relu(0, 1), reshape(1, 2), reshape(2, 3), Node("SQUEEZE", (3,), (4,), "SqueezeOptions"), relu(4, 5),
    ]  # fmt: skip
    graph = optimized(tensors[:6], nodes)
    assert [(op.kind, op.inputs, op.outputs) for op in graph.ops] == [
        ("RELU", (0,), (1,)), ("RESHAPE", (1,), (4,)), ("RELU", (4,), (5,)),
    ]  # fmt: skip


def test_views_that_cancel_leave_nothing() -> None:
    nodes = [relu(0, 1), reshape(1, 2), reshape(2, 3), relu(3, 4)]
    graph = optimized([X, X, shaped(32), X, X], nodes)
    assert [(op.inputs, op.outputs) for op in graph.ops] == [((0,), (1,)), ((1,), (4,))]


def test_a_view_that_is_read_in_the_middle_stays() -> None:
    tensors = [X, X, shaped(32), shaped(32), shaped(1, 32), shaped(1, 32)]
    graph = optimized(tensors, [relu(0, 1), reshape(1, 2), relu(2, 3), reshape(2, 4), relu(4, 5)], outputs=(3, 5))
    assert kinds(graph) == ["RELU", "RESHAPE", "RELU", "RESHAPE", "RELU"]
    assert graph.ops[3].inputs == (1,)


def test_a_view_that_leaves_the_model_stays_as_it_is() -> None:
    tensors = [X, X, shaped(32), shaped(1, 32), shaped(1, 32)]
    graph = optimized(tensors, [relu(0, 1), reshape(1, 2), reshape(2, 3), relu(3, 4)], outputs=(2, 4))
    assert [(op.kind, op.inputs) for op in graph.ops][1:3] == [("RESHAPE", (1,)), ("RESHAPE", (2,))]


def test_views_of_other_scales_are_no_views() -> None:
    graph = graph_of([X, shaped(32, like=OTHER), shaped(32, like=OTHER)], [reshape(0, 1), relu(1, 2)])
    assert kinds(optimize(graph)) == ["RESHAPE", "RELU"]
    same_shape = graph_of([X, OTHER, OTHER], [reshape(0, 1), relu(1, 2)])
    assert kinds(optimize(same_shape)) == ["RESHAPE", "RELU"]


@pytest.mark.parametrize(
    ("to", "left"),
    [
        (X, ["RELU", "RELU"]),
        (OTHER, ["RELU", "QUANTIZE", "RELU"]),
        (replace(X, zero_points=(4,)), ["RELU", "QUANTIZE", "RELU"]),
        (replace(X, dtype="int16", zero_points=(0,)), ["RELU", "QUANTIZE"]),
    ],
)
def test_quantize_goes_only_where_nothing_changes(to: T, left: list[str]) -> None:
    nodes = [relu(0, 1), Node("QUANTIZE", (1,), (2,), "QuantizeOptions")]
    if to.dtype == "int8":
        assert kinds(optimized([X, X, to, to], [*nodes, relu(2, 3)])) == left
    else:
        assert kinds(optimized([X, X, to], nodes)) == left


def test_an_identity_at_the_end_is_written_by_the_layer_before() -> None:
    quantize = Node("QUANTIZE", (1,), (2,), "QuantizeOptions")
    graph = optimized([X, X, X, X], [relu(0, 1), quantize, relu(1, 3)], outputs=(2, 3))
    assert [(op.kind, op.inputs, op.outputs) for op in graph.ops] == [("RELU", (0,), (2,)), ("RELU", (2,), (3,))]


def test_identities_between_two_ends_of_the_model_stay() -> None:
    """Each end has bytes of its own: an input is not an output, nor one output another."""
    assert kinds(optimized([X, X], [reshape(0, 1)])) == ["RESHAPE"]
    both = optimized([X, X, X], [relu(0, 1), reshape(1, 2)], outputs=(1, 2))
    assert kinds(both) == ["RELU", "RESHAPE"]
    twice = optimized([X, X, X, X], [relu(0, 1), reshape(1, 2), reshape(1, 3)], outputs=(2, 3))
    assert [(op.kind, op.inputs, op.outputs) for op in twice.ops] == [("RELU", (0,), (2,)), ("RESHAPE", (2,), (3,))]


@pytest.mark.parametrize(
    ("shape", "order", "kind"),
    [
        ((1, 4, 1, 2), [1, 0, 3, 2], "RESHAPE"),
        ((1, 1, 1, 5), [3, 2, 1, 0], "RESHAPE"),
        ((1, 4, 1, 2), [0, 3, 2, 1], "TRANSPOSE"),
        ((3, 1, 2), [2, 1, 0], "TRANSPOSE"),
        ((3, 1, 2), [1, 0, 2], "RESHAPE"),
    ],
)
def test_transposes_that_move_no_byte(shape: tuple[int, ...], order: list[int], kind: str) -> None:
    y = shaped(*(shape[d] for d in order))
    transpose = Node("TRANSPOSE", (1, 2), (3,), "TransposeOptions")
    graph = optimized([shaped(*shape), shaped(*shape), const(order), y, y], [relu(0, 1), transpose, relu(3, 4)])
    assert kinds(graph) == ["RELU", kind, "RELU"]


def test_constants_are_moved_ahead_of_time() -> None:
    values = np.arange(32, dtype=np.int8).reshape(4, 8)
    tensors = [
        shaped(1, 8, 4), replace(X, shape=(4, 8), data=values), const([1, 0]), shaped(8, 4), shaped(1, 8, 4),
        shaped(1, 8, 4), const([0]),
    ]  # fmt: skip
    nodes = [
        Node("TRANSPOSE", (1, 2), (3,), "TransposeOptions"), Node("EXPAND_DIMS", (3, 6), (4,), "ExpandDimsOptions"),
        Node("ADD", (0, 4), (5,), "AddOptions"),
    ]  # fmt: skip
    graph = optimized(tensors, nodes, outputs=(5,))
    assert kinds(graph) == ["ADD"]
    folded = graph.tensors[4].data
    assert folded is not None and folded.tolist() == [values.T.tolist()] and not folded.flags.writeable


def test_a_constant_that_leaves_the_model_stays_a_layer() -> None:
    constant = replace(X, data=np.zeros(X.shape, np.int8))
    graph = optimized([X, X, constant, shaped(32)], [relu(0, 1), reshape(2, 3)], outputs=(1, 3))
    assert kinds(graph) == ["RELU", "RESHAPE"]


def test_what_nobody_reads_is_dead() -> None:
    graph = optimized([X, X, X, X], [relu(0, 1), relu(0, 2), relu(2, 3)], outputs=(1,))
    assert [op.outputs for op in graph.ops] == [(1,)]


def test_layers_that_assign_variables_stay() -> None:
    """With them stays what they read."""
    graph = graph_of([X, X, X, X], [relu(0, 1), relu(0, 2)], outputs=(1,))
    acting = replace(graph.ops[1], kind="ASSIGN_VARIABLE", inputs=(2,), outputs=(3,))
    graph = replace(graph, ops=(*graph.ops, acting), states=(State("v", (3,), np.zeros(1, np.int8)),))
    assert kinds(remove_dead_layers(graph)) == ["RELU", "RELU", "ASSIGN_VARIABLE"]


def test_passes_are_done_after_one_round() -> None:
    nodes = [relu(0, 1), reshape(1, 2), reshape(2, 3), relu(3, 4)]
    graph = optimized([X, X, shaped(32), X, X], nodes)
    assert optimize(graph) == graph


def test_a_shape_that_is_computed_is_dead() -> None:
    """What the converter writes where the batch was not fixed: SHAPE → STRIDED_SLICE → PACK → RESHAPE."""
    number = T((), "int32")
    tensors = [
        X, X, T((4,), "int32"), const([0]), const([1]), const([1]), number, const(32), T((2,), "int32"),
        shaped(1, 32), shaped(1, 32),
    ]  # fmt: skip
    nodes = [
        relu(0, 1), Node("SHAPE", (1,), (2,), "ShapeOptions", {"outType": 2}),
        Node("STRIDED_SLICE", (2, 3, 4, 5), (6,), "StridedSliceOptions", {"shrinkAxisMask": 1}),
        Node("PACK", (6, 7), (8,), "PackOptions", {"valuesCount": 2}), Node("RESHAPE", (1, 8), (9,), "ReshapeOptions"),
        relu(9, 10),
    ]  # fmt: skip
    assert kinds(optimized(tensors, nodes)) == ["RELU", "RESHAPE", "RELU"]
    with_shape = optimized(tensors, nodes, outputs=(8, 10))
    assert kinds(with_shape) == ["RELU", "SHAPE", "STRIDED_SLICE", "PACK", "RESHAPE", "RELU"]
