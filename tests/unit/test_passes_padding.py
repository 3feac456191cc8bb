"""A PAD goes into the convolution behind it where that changes no bit, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from build_tflite import Node, T, build, const

from tinygen.errors import BadInput
from tinygen.frontend.importer import check_shapes, import_tflite
from tinygen.graph.ir import Graph
from tinygen.ops.lowering import lower
from tinygen.passes import optimize

X = T((1, 5, 6, 2), "int8", (0.5,), (3,))
ONE = {"strideH": 1, "strideW": 1}
Pads = list[list[int]]


def padded_model(
    pads: Pads, *, out: tuple[int, int], kernel: tuple[int, int] = (3, 3), value: T | None = None, p: T = X,
    outputs: tuple[int, ...] = (), reader: bool = False, **window: Any,
) -> Graph:  # fmt: skip
    """input → PAD → 3×3 convolution of 4 filters; `reader` reads the PAD's output too."""
    padded = replace(p, shape=tuple(n + a + b for n, (a, b) in zip(X.shape, pads)))
    w = T((4, *kernel, padded.shape[3]), "int8", (0.01,), data=np.ones((4, *kernel, padded.shape[3]), np.int8))
    y = T((1, *out, 4), "int8", (0.7,), (-5,))
    tensors = [X, const(pads), padded, w, y, padded, *([value] if value else [])]
    nodes = [
        Node("PADV2" if value else "PAD", (0, 1, 6) if value else (0, 1), (2,)),
        Node("CONV_2D", (2, 3), (4,), "Conv2DOptions", {"padding": 1, **ONE, **window}),
        *([Node("RELU", (2,), (5,))] if reader else []),
    ]
    return import_tflite(build(tensors, nodes, (0,), outputs or ((4, 5) if reader else (4,))), "model")


def kinds(graph: Graph) -> list[str]:
    return [op.kind for op in graph.ops]


@pytest.mark.parametrize(
    ("pads", "window", "out", "top_left"),
    [
        ([[0, 0], [1, 2], [2, 0], [0, 0]], {}, (6, 6), (1, 2)),
        ([[0, 0], [0, 1], [0, 1], [0, 0]], {"strideH": 2, "strideW": 2}, (2, 3), (0, 0)),
        ([[0, 0], [1, 1], [1, 1], [0, 0]], {"padding": 0}, (7, 8), (2, 2)),
        ([[0, 0], [4, 3], [0, 4], [0, 0]], {"dilationHFactor": 2, "dilationWFactor": 2}, (8, 6), (4, 0)),
    ],
)
def test_rows_and_columns_become_padding(
    pads: Pads, window: dict[str, int], out: tuple[int, int], top_left: tuple[int, int]
) -> None:
    graph = optimize(padded_model(pads, out=out, **window))
    assert kinds(graph) == ["CONV_2D"] and graph.ops[0].inputs[0] == 0
    check_shapes(graph)
    params = dict(lower(graph, frozenset())[0].code.params)  # type: ignore[union-attr]
    assert (params["pad_top"], params["pad_left"]) == top_left
    assert (params["in_h"], params["in_w"], params["out_h"], params["out_w"]) == (5, 6, *out)


BOTH = [[0, 0], [1, 1], [1, 1], [0, 0]]


@pytest.mark.parametrize(
    ("pads", "out", "more"),
    [
        ([[0, 0], [0, 0], [0, 0], [0, 1]], (3, 4), {}),  # channels
        ([[0, 0], [3, 0], [0, 0], [0, 0]], (6, 4), {}),  # a window that sees padding alone
        ([[0, 0], [0, 0], [0, 1], [0, 0]], (5, 7), {"kernel": (1, 1)}),
        (BOTH, (5, 6), {"p": replace(X, zero_points=(4,))}),
        (BOTH, (5, 6), {"value": replace(X, shape=(1,), data=np.array([4], np.int8))}),
        (BOTH, (5, 6), {"reader": True}),
        (BOTH, (5, 6), {"outputs": (2, 4)}),
    ],
)
def test_what_a_convolution_cannot_do_stays(pads: Pads, out: tuple[int, int], more: dict[str, Any]) -> None:
    assert {"PAD", "PADV2"} & set(kinds(optimize(padded_model(pads, out=out, **more))))


def test_the_zero_point_given_as_a_value_is_folded() -> None:
    value = replace(X, shape=(1,), data=np.array([3], np.int8))
    assert kinds(optimize(padded_model(BOTH, out=(5, 6), value=value))) == ["CONV_2D"]


def test_a_value_of_another_scale_is_refused_as_without_the_pass() -> None:
    value = replace(X, shape=(1,), scales=(0.25,), data=np.array([3], np.int8))
    graph = padded_model(BOTH, out=(5, 6), value=value)
    with pytest.raises(BadInput) as plain:
        lower(graph, frozenset())
    with pytest.raises(BadInput) as folded:
        optimize(graph)
    assert folded.value.what == plain.value.what
