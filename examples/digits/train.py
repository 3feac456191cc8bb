"""Handwritten digits: a small convolutional teacher for scikit-learn's 8x8 images.

`python train.py` writes data.npz and teacher.keras beside itself; `tinygen run` goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

from tinygen.example_data import digits

SEED = 7
EPOCHS = 30


def data() -> dict[str, np.ndarray]:
    """1,797 handwritten digits, 8x8 pixels of 0 to 16 as float32, split 70/10/20 by a fixed seed."""
    x, y = digits()
    order = np.random.default_rng(SEED).permutation(len(x))
    cuts = [len(x) * 7 // 10, len(x) * 8 // 10]
    splits = zip(("train", "val", "test"), np.split(order, cuts), strict=True)
    return {f"{k}_{name}": array[part] for name, part in splits for k, array in (("x", x), ("y", y))}


def train(arrays: dict[str, np.ndarray], epochs: int = EPOCHS, tell: Callable[[str], None] = print) -> keras.Model:
    """The teacher, in about ten seconds; its Rescaling layer becomes the scale of the int8 input."""
    keras.utils.set_random_seed(SEED)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Rescaling(1 / 16),
            *[layer for filters in (32, 64) for layer in block(filters)],
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ],
        name="teacher",
    )
    rate = keras.optimizers.schedules.CosineDecay(3e-3, epochs * -(-len(arrays["x_train"]) // 64))
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    say = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: tell(f"teacher: epoch {epoch + 1}/{epochs}, accuracy {logs['accuracy']:.4f}")
    )
    model.fit(arrays["x_train"], arrays["y_train"], batch_size=64, epochs=epochs, verbose=0, callbacks=[say])
    return model


def block(filters: int) -> list[Any]:
    """A 3x3 convolution, normalized, rectified, halved."""
    return [
        layers.Conv2D(filters, 3, padding="same", use_bias=False),
        layers.BatchNormalization(momentum=0.9),
        layers.ReLU(),
        layers.MaxPooling2D(),
    ]


if __name__ == "__main__":
    folder = Path(__file__).resolve().parent
    arrays = data()
    np.savez_compressed(folder / "data.npz", **arrays)
    train(arrays).save(folder / "teacher.keras")
