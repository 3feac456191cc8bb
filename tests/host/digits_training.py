"""Scikit-learn's digits and small Keras 2 models on them, with what a technique is given beside its options."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from tinygen.compress.registry import technique
from tinygen.compress.task import task_of
from tinygen.compress.training import Context, TrainingData, train


@cache
def digits() -> tuple[TrainingData, Any, Any]:
    """600 images to train on, 100 to watch with, and 600 others to judge by."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = (x[order] / 16.0).astype(np.float32).reshape(-1, 8, 8, 1), y[order].astype(np.int64)
    return TrainingData(x[:600], y[:600], x[600:700], y[600:700]), x[700:1300], y[700:1300]


def context(model: Any, data: TrainingData | None = None, seed: int = 3) -> Context:
    data = data or digits()[0]
    return Context(task_of(model, data.y, "digits"), model, seed, lambda line: None, lambda path: None)


def apply(name: str, model: Any, data: TrainingData | None = None, seed: int = 3, **options: Any) -> tuple[Any, Any]:
    """One technique on a model, seeded as the runner seeds it."""
    import tf_keras

    tf_keras.utils.set_random_seed(seed)
    found = technique(name)
    data = data or digits()[0]
    return found.apply(model, data, found.options.model_validate(options), context(model, data, seed))


def trained(model: Any, epochs: int = 15) -> Any:
    """The model, trained on the digits in place."""
    data = digits()[0]
    options = technique("finetune").options.model_validate({"epochs": epochs, "learning_rate": 3e-3})
    train(model, data, options, context(model), task=context(model).task)  # type: ignore[arg-type]
    return model


def accuracy(model: Any) -> float:
    _, x, y = digits()
    return float((model(x, training=False).numpy().argmax(axis=1) == y).mean())


def dense_model() -> Any:
    import tf_keras

    layers = tf_keras.layers
    tf_keras.utils.set_random_seed(1)
    stack = [layers.Flatten(), layers.Dense(48, activation="relu", name="hidden"), layers.Dense(10, name="output")]
    return tf_keras.Sequential([tf_keras.Input((8, 8, 1)), *stack])


def conv_model() -> Any:
    """Convolutions with batch normalization, a residual add, a depthwise layer, a concatenation, Flatten and Dense."""
    import tf_keras

    k = tf_keras.layers
    tf_keras.utils.set_random_seed(2)
    inputs = tf_keras.Input((8, 8, 1))
    x = k.ReLU()(
        k.BatchNormalization(momentum=0.9)(k.Conv2D(12, 3, padding="same", use_bias=False, name="stem")(inputs))
    )
    y = k.DepthwiseConv2D(3, padding="same", depth_multiplier=1, name="depthwise")(x)
    y = k.BatchNormalization(momentum=0.9)(k.Conv2D(12, 1, name="point")(k.ReLU()(y)))
    x = k.MaxPooling2D(2)(k.ReLU()(k.Add()([x, y])))
    left = k.Conv2D(8, 3, padding="same", activation="relu", name="left")(x)
    right = k.SeparableConv2D(6, 3, padding="same", depth_multiplier=2, activation="relu", name="right")(x)
    x = k.Dropout(0.1)(k.Flatten()(k.ZeroPadding2D(1)(k.Concatenate()([left, right]))))
    x = k.Dense(24, activation="relu", name="hidden")(x)
    return tf_keras.Model(inputs, k.Dense(10, activation="softmax", name="output")(x))


def int8_weights(model: Any) -> list[Any]:
    """The int8 tensors of two or more axes that the model's full int8 .tflite stores, as tinygen converts it."""
    import tensorflow as tf

    from tinygen.frontend.convert import convert

    data = digits()[0]
    tflite, _ = convert(lambda x: model(x, training=False), model, (1, 8, 8, 1), data.x[:30], "digits")
    interpreter = tf.lite.Interpreter(model_content=tflite)
    stored = []
    for tensor in interpreter.get_tensor_details():
        if tensor["dtype"] == np.int8 and len(tensor["shape"]) >= 2 and not tensor["name"].startswith("serving"):
            try:
                stored.append(interpreter.get_tensor(tensor["index"]))
            except ValueError:
                continue  # an activation, which has no value yet
    return stored
