"""An anomaly detector: an auto-encoder that learns the shape of a normal blood pressure, and of nothing else.

`python train.py` writes data.npz and teacher.keras beside itself; `tinygen run` goes on from there, and detect.py asks
the firmware for the anomaly.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tinygen.example_data import pressure

SEED = 7
EPOCHS = 60
WINDOW, STRIDE = 32, 4  # samples; the heart beats about every 183
TRAINED, NORMAL = 900, 1200  # the archive says that the first 1,200 samples are normal: the last 300 of them validate
MEAN, STD = 76.0, 13.0  # mmHg


def data() -> dict[str, np.ndarray]:
    """x: windows in mmHg, y: the same in units of STD, which the model gives back. Test is all that comes after."""
    series, _ = pressure()
    parts = {
        "train": windows(series[:TRAINED], 1),
        "val": windows(series[TRAINED:NORMAL], 1),
        "test": windows(series[NORMAL:], STRIDE),
    }
    return {f"{k}_{name}": array for name, x in parts.items() for k, array in (("x", x), ("y", (x - MEAN) / STD))}


def windows(series: np.ndarray, stride: int) -> np.ndarray:
    """Every `stride`-th window of the series, [n, WINDOW]."""
    return np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(series, WINDOW)[::stride])


def train(arrays: dict[str, np.ndarray], epochs: int = EPOCHS, tell: Callable[[str], None] = print) -> Any:
    """The teacher: 32 samples through a code of 8 numbers and back."""
    import keras  # here, for detect.py does without
    from keras import layers

    keras.utils.set_random_seed(SEED)
    model = keras.Sequential(
        [
            keras.Input((WINDOW,)),
            layers.Rescaling(1 / STD, offset=-MEAN / STD),
            layers.Dense(64, activation="relu"),
            layers.Dense(8, activation="relu", name="code"),
            layers.Dense(64, activation="relu"),
            layers.Dense(WINDOW),
        ],
        name="teacher",
    )
    rate = keras.optimizers.schedules.CosineDecay(3e-3, epochs * -(-len(arrays["x_train"]) // 32))
    model.compile(keras.optimizers.Adam(rate), "mse")
    say = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: tell(f"teacher: epoch {epoch + 1}/{epochs}, error {logs['loss']:.5f}")
    )
    model.fit(arrays["x_train"], arrays["y_train"], batch_size=32, epochs=epochs, verbose=0, callbacks=[say])
    return model


if __name__ == "__main__":
    folder = Path(__file__).resolve().parent
    arrays = data()
    np.savez_compressed(folder / "data.npz", **arrays)
    train(arrays).save(folder / "teacher.keras")
