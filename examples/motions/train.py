"""Motions: accelerometer and gyroscope of a smart watch, and a 1-D convolutional teacher for four activities.

`python train.py` writes data.npz and teacher.keras beside itself; `tinygen run` goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

from tinygen.example_data import motions, split_by_class

SEED = 7
EPOCHS = 60


def data() -> dict[str, np.ndarray]:
    """BasicMotions' 80 recordings, [100 samples at 10 Hz, 6 channels], split 50/15/35 within each class."""
    return split_by_class(*motions(), SEED, (0.5, 0.15, 0.35))


def train(arrays: dict[str, np.ndarray], epochs: int = EPOCHS, tell: Callable[[str], None] = print) -> keras.Model:
    """A teacher of 14,000 weights. Its Normalization layer becomes the firmware's `motions_quantize()`."""
    keras.utils.set_random_seed(SEED)
    scale = layers.Normalization()
    scale.adapt(arrays["x_train"])
    model = keras.Sequential(
        [
            keras.Input((100, 6)),
            scale,
            *[layer for filters in (16, 32, 32) for layer in block(filters)],
            layers.GlobalAveragePooling1D(),
            layers.Dropout(0.3),
            layers.Dense(4, activation="softmax"),
        ],
        name="teacher",
    )
    model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    say = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: tell(f"teacher: epoch {epoch + 1}/{epochs}, accuracy {logs['accuracy']:.4f}")
    )
    model.fit(arrays["x_train"], arrays["y_train"], batch_size=16, epochs=epochs, verbose=0, callbacks=[say])
    return model


def block(filters: int) -> list[Any]:
    """Every second sample of a convolution over half a second, normalized, rectified."""
    return [
        layers.Conv1D(filters, 5, strides=2, padding="same", use_bias=False),
        layers.BatchNormalization(momentum=0.9),
        layers.ReLU(),
    ]


if __name__ == "__main__":
    folder = Path(__file__).resolve().parent
    arrays = data()
    np.savez_compressed(folder / "data.npz", **arrays)
    train(arrays).save(folder / "teacher.keras")
