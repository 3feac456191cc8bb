"""Every backbone, over one axis and over two: its shapes, full int8 planned for a board, channels that can go."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from digits_training import accuracy, apply, digits, trained

from tinygen.backbones import backbone, backbone_names, build_backbone
from tinygen.backbones._layers import channels, spread
from tinygen.backbones.efficientnet import blocks, compound
from tinygen.boards import load_board
from tinygen.compiled import Model, compile_model
from tinygen.compress._channels import read_channels
from tinygen.compress.structured_prune import without
from tinygen.errors import BadInput

pytestmark = [pytest.mark.needs_tensorflow]

SHAPES = {1: (12, 2), 2: (8, 8, 1)}
#: One block shows all that a backbone is made of, but for these: a unit behind a shuffle, a widened block.
DEPTHS = {1: {"shufflenet": 4, "mobilenet_v2": 2}, 2: {"efficientnet": 2}}


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
    model = small(name, shape, depth=DEPTHS[axes].get(name, 1))
    x = np.random.default_rng(1).normal(size=(1, *shape)).astype(np.float32)
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
@pytest.mark.parametrize("technique", ["cluster", "qat"])
def test_the_shuffle_is_trained_with(technique: str) -> None:
    data = digits()[0]
    few = type(data)(data.x[:64], data.y[:64], data.x[:0], data.y[:0])
    model = build_backbone("shufflenet", (8, 8, 1), 10, width=0.06, depth=4)
    options: dict[str, Any] = {"values": 4, "min_weights": 16} if technique == "cluster" else {}
    made, facts = apply(technique, model, few, epochs=1, batch_size=64, **options)
    assert made.output_shape == model.output_shape
    assert technique == "cluster" or facts["not_aware_layers"] == []


def test_the_shuffle() -> None:
    import tf_keras

    from tinygen.backbones.shufflenet import shuffled_halves

    inputs = tf_keras.Input((3, 2, 8))
    model = tf_keras.Model(inputs, shuffled_halves(inputs))
    x = np.arange(48, dtype=np.float32).reshape(1, 3, 2, 8)
    left, right = (half.numpy() for half in model(x))
    assert (left == x[..., [0, 4, 1, 5]]).all() and (right == x[..., [2, 6, 3, 7]]).all()


@pytest.mark.parametrize("name", [n for n in backbone_names() if n != "efficientnet"])
def test_width_and_depth(name: str) -> None:
    sizes = [small(name, SHAPES[1], width=w, depth=d).count_params() for w, d in ((0.2, 1), (0.4, 1), (0.2, 3))]
    assert sizes[0] < min(sizes[1:])


@pytest.mark.parametrize("name", ["conv", "resnet8", "squeezenet", "mobilenet_v1"])
def test_two_places_are_left(name: str) -> None:
    layers = small(name, (96, 96, 3), depth=5).layers
    assert min(layer.output_shape[1] for layer in layers[1:] if len(layer.output_shape) == 4) >= 2
    assert small(name, (1, 1, 1)).output_shape == (None, 3)


def test_blocks() -> None:
    assert spread((1, 2, 2, 6, 2), 13) == [1, 2, 2, 6, 2] == spread((1, 2, 2, 6, 2), None)
    assert spread((1, 2, 2, 6, 2), 2) == [1, 1, 0, 0, 0] and spread((4, 8, 4), 4) == [1, 2, 1]
    assert all(sum(spread((1, 2, 3, 4, 3, 3, 1), n)) == n for n in range(1, 65))
    assert [channels(64, w) for w in (0.001, 0.05, 0.125, 0.2, 1.0)] == [1, 3, 8, 12, 64]
    assert sum(blocks(1.0, None)) == 16 and sum(blocks(compound(1)[0], None)) == 23, "wider is deeper"
    assert blocks(compound(-8)[0], None) == [1] * 7 and sum(blocks(0.1, 9)) == 9


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

    assert "did you mean 'squeezenet'?" in line("squeezenets", (8, 8, 1), 2)
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
