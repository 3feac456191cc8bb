"""Keras layers with weights as int16×8: converted by TensorFlow, run as C against TFLite Micro, tolerance 0."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import native
import numpy as np
import pytest

from tinygen.frontend.importer import import_tflite
from tinygen.graph.ir import Graph
from tinygen.passes import optimize
from tinygen.simulate.reference import reference

pytestmark = [pytest.mark.needs_tensorflow, pytest.mark.needs_tflm, pytest.mark.needs_cc, pytest.mark.slow]

SHAPE = (1, 12, 10, 3)
ROUNDS = 4


def _whole(layers: Any, x: Any, random: dict[str, str]) -> Any:
    """Every kind of layer with weights, with biases of int64 and without."""
    x = layers.Conv2D(6, 3, padding="same", strides=2, activation="relu", **random)(x)
    x = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, activation="relu6", **random)(x)
    x = layers.Conv2D(8, 1, activation="relu", **random)(x)
    x = layers.Conv2D(8, (3, 2), dilation_rate=2, padding="same", use_bias=False)(x)
    x = layers.ZeroPadding2D(((1, 0), (0, 1)))(x)
    x = layers.Conv2D(6, 3, groups=2, activation="relu", **random)(x)
    x = layers.DepthwiseConv2D(2, use_bias=False)(x)
    x = layers.Conv2DTranspose(4, 3, strides=2, padding="same", activation="relu", **random)(x)
    x = layers.Conv2DTranspose(3, 2, use_bias=False)(x)
    x = layers.Dense(40, activation="relu", **random)(layers.Flatten()(x))
    return layers.Dense(16, use_bias=False)(x)


def _narrow(layers: Any, x: Any, random: dict[str, str]) -> Any:
    """Biases of int32: TFLite Micro takes them in these layers alone, and sums in 32 bits."""
    x = layers.Conv2D(6, 3, padding="same", strides=2, activation="relu", **random)(x)
    x = layers.Conv2D(8, 1, activation="relu", **random)(x)
    x = layers.Conv2D(4, 2, use_bias=False)(x)
    x = layers.Dense(40, activation="relu", **random)(layers.Flatten()(x))
    return layers.Dense(16, use_bias=False)(x)


MODELS: dict[str, tuple[Callable[[Any, Any, dict[str, str]], Any], str, set[str]]] = {
    "whole": (_whole, "int64", {"CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED"}),
    "narrow": (_narrow, "int32", {"CONV_2D", "FULLY_CONNECTED"}),
}


def _converted(name: str) -> bytes:
    """The int16×8 .tflite of a model, int16 at both ends."""
    import tensorflow as tf
    import tf_keras

    build, bias, _ = MODELS[name]
    tf_keras.utils.set_random_seed(len(name))
    x = tf_keras.Input(SHAPE[1:], batch_size=1)
    model = tf_keras.Model(x, build(tf_keras.layers, x, {"bias_initializer": "random_normal"}))
    function = tf.function(lambda x: model(x, training=False)).get_concrete_function(tf.TensorSpec(SHAPE, tf.float32))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], model)
    generator = np.random.default_rng(2)

    def representative() -> Iterator[list[Any]]:
        for _ in range(20):
            yield [generator.normal(size=SHAPE).astype(np.float32)]

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int16
    if bias == "int32":
        converter._experimental_full_integer_quantization_bias_type = tf.int32
    return bytes(converter.convert())


def _bias_types(graph: Graph) -> set[str]:
    biases = [graph.optional(op, 3 if op.kind == "TRANSPOSE_CONV" else 2) for op in graph.ops if op.kind != "PAD"]
    return {bias.dtype for bias in biases if bias is not None}


@pytest.mark.parametrize("name", MODELS)
def test_every_layer_computes_the_same_bits(tmp_path: Path, name: str) -> None:
    tflite = _converted(name)
    path = tmp_path / f"{name}.tflite"
    path.write_bytes(tflite)
    graph = import_tflite(tflite, name)
    _, bias, wanted = MODELS[name]
    assert wanted <= {op.kind for op in graph.ops} and _bias_types(graph) == {bias}
    shown = replace(graph, outputs=tuple(i for op in graph.ops for i in op.outputs))
    generator = np.random.default_rng(3)
    samples = [[generator.normal(0, 8000, SHAPE).clip(-32768, 32767).astype(np.int16)] for _ in range(ROUNDS)]
    layered, whole = native.run([shown, optimize(graph)], [samples, samples], tmp_path / "c")
    for sample, layers, outputs in zip(samples, layered, whole):
        want = reference(path, [sample[0].tobytes()], tensors=shown.outputs)
        assert want.exact and outputs[0].tobytes() == want.outputs[0]
        assert set(want.layers) == set(shown.outputs)
        for index, found in zip(shown.outputs, layers):
            expected = want.layers[index].reshape(found.shape)
            assert len(np.unique(expected)) > 8, f"{graph.tensors[index].name}: a layer that tells nothing"
            assert np.array_equal(expected, found), graph.tensors[index].name
