"""Keras 3 models and their tf_keras twins: the same outputs, layer by layer, and a refusal where they would differ."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinygen.errors import BadInput

pytestmark = [pytest.mark.needs_tensorflow, pytest.mark.slow]


def functional(build: Callable[[Any, Any], Any], shape: tuple[int, ...]) -> Any:
    import keras

    x = keras.Input(shape)
    model = keras.Model(x, build(keras.layers, x))
    random = np.random.default_rng(3)
    for weight in model.weights:  # untrained biases and statistics are 0 and 1, which would hide a mix-up
        if "float" in str(weight.dtype):
            weight.assign(np.abs(random.normal(0.5, 0.3, weight.shape)) + 0.01)
    return model


def residual(layers: Any, x: Any) -> Any:
    a = layers.Conv2D(3, 3, padding="same", activation="relu")(x)
    return layers.Flatten()(a + x * a - layers.Subtract()([a, x]))


def shared(layers: Any, x: Any) -> Any:
    dense = layers.Dense(3, name="twice")
    return layers.Concatenate()([dense(x), dense(layers.ReLU(negative_slope=0.1)(dense(x)))])


def nested(layers: Any, x: Any) -> Any:
    import keras

    inner = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(3, 1), layers.BatchNormalization()], name="inner")
    branch = keras.Input((8, 8, 3))
    outer = keras.Model(
        branch, layers.Add()([inner(branch), layers.AveragePooling2D(3, 1, "same")(branch)]), name="outer"
    )
    return layers.GlobalMaxPooling2D()(outer(outer(x)))


def normalized(layers: Any, x: Any) -> Any:
    normalization = layers.Normalization()
    normalization.adapt(np.random.default_rng(0).normal(3, 2, (50, 8, 8, 3)))
    return layers.Rescaling(2.0, offset=-1.0)(normalization(x))


IMAGE, WINDOW = (8, 8, 3), (16, 3)
CASES: dict[str, tuple[Callable[[Any, Any], Any], tuple[int, ...]]] = {
    "residual": (residual, IMAGE),
    "shared": (shared, (3,)),
    "nested": (nested, IMAGE),
    "normalized": (normalized, IMAGE),
    "relu6": (lambda k, x: k.Dense(4, activation="relu6")(k.ReLU(6.0)(x)), (5,)),
    "activations": (
        lambda k, x: k.Concatenate()(
            [k.Activation(a)(x) for a in ("tanh", "sigmoid", "silu", "elu", "softplus", "gelu")]
        ),
        (5,),
    ),
    "activation layers": (lambda k, x: k.Softmax()(k.ELU()(k.PReLU()(k.LeakyReLU(0.2)(x)))), (5,)),
    "activation as a layer": (lambda k, x: k.Conv2D(2, 3, activation=k.LeakyReLU(0.1))(x), IMAGE),
    "depthwise": (lambda k, x: k.DepthwiseConv2D(3, depth_multiplier=2, strides=2, padding="same")(x), IMAGE),
    "separable": (lambda k, x: k.SeparableConv2D(4, 3, depth_multiplier=2, activation="relu")(x), IMAGE),
    "transposed": (lambda k, x: k.Conv2DTranspose(4, 3, strides=2, padding="same")(x), IMAGE),
    "grouped": (lambda k, x: k.Conv2D(6, 3, groups=3, dilation_rate=2)(x), IMAGE),
    "no bias": (lambda k, x: k.BatchNormalization(scale=False, epsilon=1e-2)(k.Conv2D(2, 1, use_bias=False)(x)), IMAGE),
    "shapes": (lambda k, x: k.Permute((2, 1))(k.Reshape((12, 16))(x)), IMAGE),
    "paddings": (lambda k, x: k.Cropping2D(((1, 0), (0, 1)))(k.UpSampling2D(2)(k.ZeroPadding2D((0, 1))(x))), IMAGE),
    "pools": (
        lambda k, x: k.Add()([k.MaxPooling2D(2, padding="same")(x), k.AveragePooling2D(2)(x)]),
        IMAGE,
    ),
    "global pools": (
        lambda k, x: k.Multiply()([k.GlobalAveragePooling2D(keepdims=True)(x), k.Maximum()([x, k.Average()([x, x])])]),
        IMAGE,
    ),
    "causal": (lambda k, x: k.GlobalAveragePooling1D()(k.Conv1D(4, 3, padding="causal", dilation_rate=2)(x)), WINDOW),
    "separable 1d": (lambda k, x: k.MaxPooling1D(2)(k.SeparableConv1D(4, 3)(k.DepthwiseConv1D(3)(x))), WINDOW),
    "lstm": (lambda k, x: k.LSTM(4)(k.LSTM(5, return_sequences=True)(x)), WINDOW),
    "gru": (lambda k, x: k.GRU(4, reset_after=False)(k.GRU(5, return_sequences=True)(x)), WINDOW),
    "both ways": (
        lambda k, x: k.TimeDistributed(k.Dense(2))(k.Bidirectional(k.GRU(3, return_sequences=True))(x)),
        WINDOW,
    ),
    "dropouts": (
        lambda k, x: k.GaussianNoise(0.1)(k.SpatialDropout1D(0.5)(k.Dropout(0.5)(k.LayerNormalization()(x)))),
        WINDOW,
    ),
    "regularized": (lambda k, x: k.Dense(3, kernel_regularizer="l2", bias_constraint="non_neg")(x), WINDOW),
}


@pytest.mark.parametrize("name", CASES)
def test_same_outputs_after_saving(name: str, tmp_path: Path) -> None:
    import tf_keras

    from tinygen.frontend.keras3_bridge import to_tf_keras

    model = functional(*CASES[name])
    twin = to_tf_keras(model)
    twin.save(tmp_path / "twin.h5", include_optimizer=False, save_format="h5")
    again = tf_keras.models.load_model(tmp_path / "twin.h5", compile=False)
    x = np.random.default_rng(9).normal(0, 2, (3, *model.input_shape[1:])).astype(np.float32)
    wanted = np.asarray(model(x, training=False))
    assert wanted.std() > 0, "a constant output would prove nothing"
    np.testing.assert_allclose(np.asarray(again(x, training=False)), wanted, rtol=1e-5, atol=1e-5)


def test_sequential_that_was_built_by_its_data() -> None:
    import keras

    from tinygen.frontend.keras3_bridge import to_tf_keras

    model = keras.Sequential([keras.layers.Rescaling(1 / 3), keras.layers.Conv1D(4, 3), keras.layers.Flatten()])
    x = np.random.default_rng(0).normal(size=(2, 8, 2)).astype(np.float32)
    wanted = model(x)
    np.testing.assert_allclose(to_tf_keras(model)(x), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("build", "told"),
    [
        (
            lambda k, x: k.GRU(3, recurrent_activation="hard_sigmoid", name="odd")(x),
            "Layer 'odd': hard_sigmoid is another function",
        ),
        (lambda k, x: k.RMSNormalization(name="odd")(x), "Layer 'odd': tf_keras has no RMSNormalization"),
        (lambda k, x: k.Dense(3)(x) * np.arange(3.0), "computes with several constants"),
        (lambda k, x: k.Dense(3, name="odd", dtype="mixed_float16")(x), "Layer 'odd' computes in float16"),
        (
            lambda k, x: k.GRU(3, name="odd")(x, initial_state=k.Dense(3)(k.Flatten()(x))),
            "Layer 'odd' is called with 'initial_state'",
        ),
    ],
)
def test_what_has_no_twin_is_named(build: Callable[[Any, Any], Any], told: str) -> None:
    from tinygen.frontend.keras3_bridge import to_tf_keras

    with pytest.raises(BadInput) as caught:
        to_tf_keras(functional(build, WINDOW))
    assert told in caught.value.line


def test_the_first_layer_that_differs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from tinygen.frontend import keras3_bridge

    def wrong(model: Any, twin: Any) -> None:
        copy(model, twin)
        kernel = twin.get_layer("second").kernel
        kernel.assign(kernel * 1.001)

    copy = keras3_bridge._copy_weights
    monkeypatch.setattr(keras3_bridge, "_copy_weights", wrong)
    model = functional(
        lambda k, x: k.Dense(3, name="third")(k.Dense(4, name="second")(k.Dense(5, name="first")(x))), (6,)
    )
    with pytest.raises(BadInput, match="Layer 'second' computes something else in Keras 2"):
        keras3_bridge.to_tf_keras(model)
