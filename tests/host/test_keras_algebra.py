"""Keras layers that become extremes, reductions, products of matrices and tables: int8 C equal to TFLite Micro's."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinygen.frontend.importer import import_tflite
from tinygen.frontend.quantize import quantize_model

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "ops"))

pytestmark = [pytest.mark.needs_tensorflow, pytest.mark.needs_tflm, pytest.mark.needs_cc, pytest.mark.slow]

Build = Callable[..., Any]


def squeeze_and_excite(x: Any, layers: Any) -> Any:
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
    gate = layers.Conv2D(2, 1, activation="relu")(gate)
    gate = layers.Conv2D(8, 1, activation="sigmoid")(gate)
    return layers.Dense(3)(layers.GlobalMaxPooling2D()(layers.Multiply()([x, gate])))


def inception(x: Any, layers: Any) -> Any:
    branches = [
        layers.PReLU(shared_axes=[1, 2])(layers.Conv2D(4, 1)(x)),
        layers.LeakyReLU()(layers.Conv2D(4, 3, padding="same")(x)),
        layers.Conv2D(4, 1)(layers.MaxPooling2D(3, 1, padding="same")(x)),
    ]
    extremes = [layers.Maximum()(branches[:2]), layers.Minimum()(branches[1:])]
    return layers.Dense(3)(layers.GlobalMaxPooling2D()(layers.Concatenate()([*branches, *extremes])))


def likeness(x: Any, layers: Any) -> Any:
    a, b = (layers.Dense(6)(layers.Flatten()(x)) for _ in range(2))
    return layers.Dense(3)(layers.Concatenate()([layers.Dot(1, normalize=True)([a, b]), layers.UnitNormalization()(a)]))


def attention(x: Any, layers: Any) -> Any:
    x = layers.LayerNormalization()(layers.Reshape((8, 16))(layers.Conv2D(2, 1)(x)))
    query, key, value = (layers.Dense(4)(x) for _ in range(3))
    weights = layers.Softmax()(layers.Dot(2)([query, key]))
    return layers.Dense(3)(layers.GlobalMaxPooling1D()(layers.Dot((2, 1))([weights, value])))


#: A model and the operators that make it worth a test.
MODELS: list[tuple[Build, set[str]]] = [
    (squeeze_and_excite, {"REDUCE_MAX", "MUL"}),
    (inception, {"PRELU", "MAXIMUM", "MINIMUM"}),
    (likeness, {"BATCH_MATMUL", "L2_NORMALIZATION"}),
    (attention, {"SQUARED_DIFFERENCE", "RSQRT", "BATCH_MATMUL", "REDUCE_MAX"}),
]


def statistics(tf: Any, a: Any, b: Any) -> Any:
    parts = [
        tf.reduce_sum(tf.nn.relu(a), [1, 2]),
        tf.reduce_min(b, [1, 2]),
        tf.reduce_sum(tf.abs(a) / (tf.nn.sigmoid(b) + 1.0), [1, 2]),
        tf.reduce_max(tf.math.squared_difference(a, b), [1, 2]),
        tf.reduce_max(tf.math.rsqrt(tf.nn.relu(b) + 0.5), [1, 2]),
    ]
    return tf.concat(parts, 1)


def choices(tf: Any, a: Any, b: Any) -> Any:
    chosen = tf.logical_and(a > b, tf.logical_not(tf.logical_or(a <= -0.5, b >= 0.7)))
    return tf.argmax(tf.where(chosen, a, -1.0), -1, tf.int32)


def counts(tf: Any, a: Any, b: Any) -> Any:
    return tf.reduce_sum(tf.cast(tf.maximum(a, 0.0) < b, tf.float32), [1, 2])


#: What no Keras layer becomes: functions of two convolutions, and their operators.
FUNCTIONS: list[tuple[Build, set[str]]] = [
    (statistics, {"SUM", "REDUCE_MIN", "ABS", "DIV", "SQUARED_DIFFERENCE", "REDUCE_MAX", "RSQRT"}),
    (choices, {"LOGICAL_AND", "LOGICAL_NOT", "LOGICAL_OR", "GREATER", "LESS_EQUAL", "SELECT_V2", "ARG_MAX"}),
    (counts, {"CAST", "LESS"}),
]


@pytest.mark.parametrize(("build", "wanted"), MODELS, ids=[build.__name__ for build, _ in MODELS])
def test_int8_c_equals_the_reference(tmp_path: Path, build: Build, wanted: set[str]) -> None:
    import keras

    keras.utils.set_random_seed(7)
    given = keras.Input((8, 8, 2))
    model = keras.Model(given, build(given, keras.layers))
    for weights in model.weights:  # biases and slopes of 0 would hide a mistake
        if not np.any(weights.numpy()):
            weights.assign(np.random.default_rng(1).normal(0, 0.3, weights.shape))
    model.save(tmp_path / "m.keras")
    _equal(tmp_path, tmp_path / "m.keras", wanted)


@pytest.mark.parametrize(("function", "wanted"), FUNCTIONS, ids=[function.__name__ for function, _ in FUNCTIONS])
def test_functions_of_a_saved_model(tmp_path: Path, function: Build, wanted: set[str]) -> None:
    import tensorflow as tf

    filters = np.random.default_rng(1).normal(0, 0.4, (2, 3, 3, 2, 4)).astype(np.float32)
    module = tf.Module()
    module.f = tf.function(
        lambda x: function(tf, *(tf.nn.conv2d(x, tf.constant(w), 1, "VALID") for w in filters)),
        input_signature=[tf.TensorSpec((1, 8, 8, 2))],
    )
    tf.saved_model.save(module, str(tmp_path / "m"), signatures=module.f.get_concrete_function())
    _equal(tmp_path, tmp_path / "m", wanted)


def _equal(folder: Path, model: Path, wanted: set[str]) -> None:
    import native
    from oracle import Oracle

    x = np.random.default_rng(2).normal(0, 1, (60, 8, 8, 2)).astype(np.float32)
    np.savez(folder / "d.npz", x_train=x)
    tflite = quantize_model(model, folder / "d.npz").tflite
    graph = import_tflite(tflite, model.name)
    assert {op.kind for op in graph.ops} >= wanted, sorted({op.kind for op in graph.ops})
    generator = np.random.default_rng(3)
    samples = [[generator.integers(-128, 128, (1, 8, 8, 2)).astype(np.int8)] for _ in range(8)]
    oracle = Oracle()
    expected = oracle.run(tflite, samples)
    oracle.close()
    assert expected is not None
    (got,) = native.run([graph], [samples], folder / "c")
    for want, have in zip(expected, got):
        np.testing.assert_array_equal(have[0], want[0])
    assert len({want[0].tobytes() for want in expected}) > 4, (
        "the outputs would not tell a wrong layer from a right one"
    )
