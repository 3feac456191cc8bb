"""Every backbone, over one axis and over two: its shapes, full int8 planned for a board, channels that can go."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from digits_training import accuracy, apply, trained

from tinygen.backbones import backbone, backbone_names, build_backbone
from tinygen.boards import load_board
from tinygen.compiled import Model, compile_model
from tinygen.compress._channels import read_channels
from tinygen.compress.structured_prune import without
from tinygen.errors import BadInput

pytestmark = [pytest.mark.needs_tensorflow]

SHAPES = {1: (12, 2), 2: (8, 8, 1)}


def small(name: str, shape: tuple[int, ...], **options: Any) -> Any:
    import tf_keras

    tf_keras.backend.clear_session()
    tf_keras.utils.set_random_seed(0)
    outputs = math.prod(shape) if backbone(name).same_shape else 3
    model = build_backbone(name, shape, outputs, **{"width": 0.1, "depth": 2, **options})
    random = np.random.default_rng(0)
    for weight in model.trainable_weights:
        if weight.shape.rank == 1:
            weight.assign(weight + random.uniform(0.1, 0.5, weight.shape))
    return model


@pytest.mark.slow
@pytest.mark.parametrize("axes", [1, 2])
@pytest.mark.parametrize("name", backbone_names())
def test_int8_for_a_board(name: str, axes: int) -> None:
    from tinygen.frontend.convert import convert

    shape = SHAPES[axes]
    model = small(name, shape)
    x = np.random.default_rng(1).normal(size=(2, *shape)).astype(np.float32)
    tflite, _ = convert(lambda t: model(t, training=False), model, (1, *shape), x, name)
    compiled = compile_model(Model("model", tflite), load_board("nucleo_f446re"))
    ends = [compiled.graph.tensors[i] for i in (*compiled.graph.inputs, *compiled.graph.outputs)]
    assert [t.shape for t in ends] == [(1, *shape), (1, *model.output_shape[1:])]
    assert all(t.dtype == "int8" for t in ends)
    assert compiled.weights_bytes > 0 and compiled.plan.arena_bytes >= math.prod(shape)


@pytest.mark.parametrize("name", backbone_names())
def test_half_of_the_channels_can_go(name: str) -> None:
    model = small(name, SHAPES[2], width=0.25)
    graph = read_channels(model)
    assert graph.classes(), "there are channels that may go"
    keep = np.ones(graph.units, bool)
    for units in graph.classes().values():
        keep[units[::2][: len(units) - 1]] = False
    smaller = without(model, graph, keep)
    assert smaller.count_params() < model.count_params() and smaller.output_shape == model.output_shape


@pytest.mark.slow
@pytest.mark.parametrize("technique", ["prune", "cluster", "qat"])
@pytest.mark.parametrize("name", ["shufflenet", "ds_cnn"])
def test_techniques_take_them(name: str, technique: str) -> None:
    from digits_training import digits

    data = digits()[0]
    few = type(data)(data.x[:64], data.y[:64], data.x[:0], data.y[:0])
    model = build_backbone(name, (8, 8, 1), 10, width=0.06, depth=2)
    options: dict[str, Any] = {"prune": {"sparsity": 0.5}, "cluster": {"values": 4, "min_weights": 16}}.get(
        technique, {}
    )
    made, facts = apply(technique, model, few, epochs=1, batch_size=64, **options)
    kernels = [w.numpy() for w in made.trainable_weights if w.shape.rank >= 2 and w.shape.num_elements() >= 64]
    assert made.output_shape == model.output_shape and kernels
    if technique == "prune":
        assert all((k == 0).mean() > 0.45 for k in kernels)
    if technique == "qat":
        assert facts["not_aware_layers"] == []


def test_width_depth_and_places() -> None:
    for name in backbone_names():
        narrow, wide = (small(name, SHAPES[2], width=w).count_params() for w in (0.25, 0.5))
        assert narrow < wide, name
        assert small(name, SHAPES[2], depth=1).count_params() < small(name, SHAPES[2], depth=4).count_params(), name
    for name in backbone_names():
        if backbone(name).axes:
            places = [layer.output_shape[1:-1] for layer in small(name, (96, 96, 3), depth=7).layers[1:]]
            assert min(min(p) for p in places if len(p) == 2 and 8 * p[0] >= p[1]) >= 2, "strides leave two places"
            assert small(name, (1, 1, 1)).output_shape == (None, 3)


def test_compound_scaling_deepens_what_it_widens() -> None:
    from tinygen.backbones.efficientnet import compound

    def layers(phi: float) -> tuple[int, int]:
        model = small("efficientnet", SHAPES[2], width=compound(phi)[0], depth=None)
        depthwise = [layer for layer in model.layers if type(layer).__name__ == "DepthwiseConv2D"]
        return len(depthwise), int(depthwise[-1].output_shape[-1])

    assert layers(-8) == (7, round(320 * 1.1**-8 / 4) * 4 * 0 + layers(-8)[1])
    assert layers(0)[0] == 16 and layers(1)[0] == 23
    assert layers(-8)[1] < layers(0)[1] < layers(1)[1]


@pytest.mark.slow
def test_a_small_resnet_learns_the_digits() -> None:
    import tf_keras

    tf_keras.utils.set_random_seed(0)
    model = trained(build_backbone("resnet8", (8, 8, 1), 10, width=0.5, depth=2), 10)
    assert accuracy(model) > 0.93


def test_refusals() -> None:
    def line(*arguments: Any, **options: Any) -> str:
        with pytest.raises(BadInput) as caught:
            build_backbone(*arguments, **options)
        return caught.value.line

    assert "did you mean 'mobilenet_v1'?" in line("mobilenet_v", (8, 8, 1), 2)
    told = line("ds_cnn", (8,), 2)
    assert "takes an input of [steps, channels] or [height, width, channels], not [8]" in told
    assert "These take it: autoencoder, dense." in told
    assert "20 outputs" in line("autoencoder", (4, 5), 3)
    assert "width 0 is no multiplier" in line("conv", (8, 2), 3, width=0.0)
    assert "depth 0" in line("conv", (8, 2), 3, depth=0) and "kernel 99" in line("conv", (8, 2), 3, kernel=99)


def test_the_autoencoder_gives_back_its_input() -> None:
    model = small("autoencoder", (4, 3))
    assert model.output_shape == (None, 4, 3)
    assert float(model(np.zeros((1, 4, 3), np.float32)).numpy().sum()) != pytest.approx(1.0), "no softmax"
