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

Build = Callable[[Any, Any], Any]


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
    return layers.Dense(3)(layers.GlobalMaxPooling2D()(layers.Concatenate()(branches)))


def larger_and_smaller(x: Any, layers: Any) -> Any:
    a, b, c = (layers.Conv2D(4, 3)(x) for _ in range(3))
    return layers.Dense(3)(layers.Flatten()(layers.Minimum()([layers.Maximum()([a, b]), c])))


def likeness(x: Any, layers: Any) -> Any:
    a, b = (layers.Dense(6)(layers.Flatten()(x)) for _ in range(2))
    return layers.Dense(3)(layers.Concatenate()([layers.Dot(1, normalize=True)([a, b]), a]))


def normalized(x: Any, layers: Any) -> Any:
    x = layers.Conv2D(6, 3)(x)
    return layers.Dense(3)(layers.Flatten()(layers.LayerNormalization()(x)))


def attention(x: Any, layers: Any) -> Any:
    x = layers.Reshape((8, 16))(layers.Conv2D(2, 1)(x))
    query, key, value = (layers.Dense(4)(x) for _ in range(3))
    weights = layers.Softmax()(layers.Dot(2)([query, key]))
    return layers.Dense(3)(layers.GlobalMaxPooling1D()(layers.Dot((2, 1))([weights, value])))


#: A model and the operators that make it worth a test.
MODELS: list[tuple[Build, set[str]]] = [
    (squeeze_and_excite, {"REDUCE_MAX", "MUL"}),
    (inception, {"PRELU", "REDUCE_MAX"}),
    (larger_and_smaller, {"MAXIMUM", "MINIMUM"}),
    (likeness, {"BATCH_MATMUL"}),
    (normalized, {"SQUARED_DIFFERENCE", "RSQRT"}),
    (attention, {"BATCH_MATMUL", "REDUCE_MAX"}),
]


@pytest.mark.parametrize(("build", "wanted"), MODELS, ids=[build.__name__ for build, _ in MODELS])
def test_int8_c_equals_the_reference(tmp_path: Path, build: Build, wanted: set[str]) -> None:
    import keras
    import native
    from oracle import Oracle

    keras.utils.set_random_seed(7)
    given = keras.Input((8, 8, 2))
    model = keras.Model(given, build(given, keras.layers))
    for weights in model.weights:  # biases and slopes of 0 would hide a mistake
        if not np.any(weights.numpy()):
            weights.assign(np.random.default_rng(1).normal(0, 0.3, weights.shape))
    model.save(tmp_path / "m.keras")
    x = np.random.default_rng(2).normal(0, 1, (60, 8, 8, 2)).astype(np.float32)
    np.savez(tmp_path / "d.npz", x_train=x)
    tflite = quantize_model(tmp_path / "m.keras", tmp_path / "d.npz").tflite
    graph = import_tflite(tflite, build.__name__)
    assert {op.kind for op in graph.ops} >= wanted, sorted({op.kind for op in graph.ops})
    generator = np.random.default_rng(3)
    samples = [[generator.integers(-128, 128, (1, 8, 8, 2)).astype(np.int8)] for _ in range(8)]
    oracle = Oracle()
    expected = oracle.run(tflite, samples)
    oracle.close()
    assert expected is not None
    (got,) = native.run([graph], [samples], tmp_path / "c")
    for want, have in zip(expected, got):
        np.testing.assert_array_equal(have[0], want[0])
    assert len({want[0].tobytes() for want in expected}) > 4, (
        "the outputs would not tell a wrong layer from a right one"
    )
