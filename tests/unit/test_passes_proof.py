"""The proof still compares every layer that remains with the reference's tensor of the same layer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from build_tflite import Node, T, build, const

from tinygen.compiled import Model
from tinygen.pipeline import render_project
from tinygen.proof import simulate_project
from tinygen.writing import write_project

pytestmark = [pytest.mark.needs_cc, pytest.mark.needs_tflm]

ONE = {"strideH": 1, "strideW": 1}


def every_pass() -> Model:
    """PAD → conv and conv → QUANTIZE → TRANSPOSE in two branches, both widened first, joined and reshaped twice."""
    x = T((1, 6, 6, 1), "int8", (0.5,), (3,))
    w = T((8, 3, 3, 1), "int8", (0.02,), data=(np.arange(72) % 11 - 5).astype(np.int8).reshape(8, 3, 3, 1))
    assert w.data is not None
    v = T((1, 1, 1, 8), "int8", (0.05,), data=np.arange(8, dtype=np.int8).reshape(1, 1, 1, 8))
    wide, narrow = T((1, 6, 6, 8), "int8", (0.4,), (-5,)), T((1, 6, 6, 1), "int8", (0.3,), (9,))
    tensors = [
        x, w, v, const([[0, 0], [1, 1], [1, 1], [0, 0]]), replace(x, shape=(1, 8, 8, 1)), wide, wide, narrow, narrow,
        narrow, const([0, 3, 1, 2]), replace(narrow, shape=(1, 1, 6, 6)), const([0]), replace(narrow, shape=(1, 6, 6)),
        narrow, narrow, replace(narrow, shape=(1, 36)),
        replace(w, data=w.data[::-1].copy()),
    ]  # fmt: skip
    nodes = [
        Node("PAD", (0, 3), (4,), "PadOptions"),
        Node("CONV_2D", (4, 1), (5,), "Conv2DOptions", {"padding": 1, **ONE}),
        Node("CONV_2D", (0, 17), (6,), "Conv2DOptions", ONE),
        Node("CONV_2D", (5, 2), (7,), "Conv2DOptions", ONE),
        Node("CONV_2D", (6, 2), (8,), "Conv2DOptions", ONE),
        Node("QUANTIZE", (7,), (9,), "QuantizeOptions"),
        Node("TRANSPOSE", (9, 10), (11,), "TransposeOptions"),
        Node("RESHAPE", (11,), (13,), "ReshapeOptions"),
        Node("RESHAPE", (13,), (14,), "ReshapeOptions"),
        Node("ADD", (14, 8), (15,), "AddOptions"),
        Node("RESHAPE", (15,), (16,), "ReshapeOptions"),
    ]
    return Model("passes", build(tensors, nodes, (0,), (16,)))


def test_every_layer_that_remains_is_compared(tmp_path: Path) -> None:
    files, manifest = render_project(every_pass(), "pico")
    layers = manifest.plan.layers
    assert [layer.op for layer in layers] == ["CONV_2D"] * 4 + ["ADD", "RESHAPE"]
    assert [layer.tensors[0] for layer in layers] == [5, 7, 6, 8, 15, 16]
    assert [layer.index for layer in layers] == list(range(6))
    write_project(files, manifest, tmp_path / "p")
    report = simulate_project(tmp_path / "p", samples=3, on="native", sanitize=True)
    assert (report.mismatched_samples, report.first_mismatch) == (0, None)


def test_a_layer_with_another_s_tensor_would_be_found(tmp_path: Path) -> None:
    """The comparison above means something: with two tensors exchanged in the manifest, it fails."""
    files, manifest = render_project(every_pass(), "pico")
    layers = list(manifest.plan.layers)
    layers[1], layers[3] = (layers[i].model_copy(update={"tensors": layers[4 - i].tensors}) for i in (1, 3))
    plan = manifest.plan.model_copy(update={"layers": tuple(layers)})
    write_project(files, manifest.model_copy(update={"plan": plan}), tmp_path / "p")
    report = simulate_project(tmp_path / "p", samples=1, on="native")
    assert report.first_mismatch is not None and report.first_mismatch.layer == layers[1].name


def test_every_output_of_a_layer_is_compared(tmp_path: Path) -> None:
    """Three parts of one size, whose bytes differ: each is held to its own tensor, and exchanged ones are found."""
    x = T((1, 3, 4), "int8", (0.5,), (3,))
    part = replace(x, shape=(1, 1, 4))
    split = Node("SPLIT", (0, 1), (2, 3, 4), "SplitOptions", {"numSplits": 3})
    model = build([const(1), x, part, part, part, part], [split, Node("ADD", (2, 4), (5,), "AddOptions")], (1,), (5, 3))
    files, manifest = render_project(Model("parts", model), "pico")
    first = manifest.plan.layers[0]
    assert first.tensors == (2, 3, 4)
    write_project(files, manifest, tmp_path / "p")
    report = simulate_project(tmp_path / "p", samples=2, on="native")
    assert (report.mismatched_samples, report.first_mismatch) == (0, None)
    layers = (first.model_copy(update={"tensors": (2, 4, 3)}), *manifest.plan.layers[1:])
    plan = manifest.plan.model_copy(update={"layers": layers})
    write_project(files, manifest.model_copy(update={"plan": plan}), tmp_path / "q")
    report = simulate_project(tmp_path / "q", samples=1, on="native")
    assert report.first_mismatch is not None and report.first_mismatch.layer == first.name


def test_layers_that_a_pass_made_are_not_compared(tmp_path: Path) -> None:
    """An UNPACK of twelve becomes slices whose outputs the file does not have."""
    x = T((1, 12, 4), "int8", (0.5,), (3,))
    part = replace(x, shape=(1, 4))
    unpack = Node("UNPACK", (0,), tuple(range(1, 13)), "UnpackOptions", {"num": 12, "axis": 1})
    model = build([x, *[part] * 13], [unpack, Node("ADD", (1, 12), (13,), "AddOptions")], (0,), (13,))
    files, manifest = render_project(Model("parts", model), "pico")
    assert [layer.tensors[0] for layer in manifest.plan.layers] == [-1, 1, -1, 12, 13]
    write_project(files, manifest, tmp_path / "p")
    report = simulate_project(tmp_path / "p", samples=2, on="native")
    assert (report.mismatched_samples, report.first_mismatch) == (0, None)
