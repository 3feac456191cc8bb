"""The demo's own part: real handwritten digits and a teacher for them, as a project that `tinygen run` executes."""

from __future__ import annotations

import io
import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import BadInput, missing_extra
from .example_data import digits
from .resources import data_dir
from .worker import Progress, run_job

Array = npt.NDArray[Any]
SEED = 7
EPOCHS = 30
_NEEDS = (
    ("sklearn", "scikit-learn"),
    ("tensorflow", "tensorflow"),
    ("tf_keras", "tf-keras"),
    ("tensorflow_model_optimization", "tensorflow-model-optimization"),
    ("unicorn", "unicorn"),
)
_BOARDS = re.compile(r"^boards = \[.*\]$", re.MULTILINE)


def digits_data() -> dict[str, Array]:
    """scikit-learn's 1,797 handwritten digits, 8x8 pixels of 0 to 16 as float32, split 70/10/20 by a fixed seed."""
    x, y = digits()
    order = np.random.default_rng(SEED).permutation(len(x))
    cuts = [len(x) * 7 // 10, len(x) * 8 // 10]
    splits = zip(("train", "val", "test"), np.split(order, cuts), strict=True)
    return {f"{k}_{name}": array[part] for name, part in splits for k, array in (("x", x), ("y", y))}


def require_packages() -> None:
    """MissingTool for the first package of the demo's road that is not installed: before anything is written."""
    for module, package in _NEEDS:
        if find_spec(module) is None:
            raise missing_extra(package, "demo,train,sim")


def write_demo(folder: str | Path, board: str = "nucleo_f446re", *, progress: Progress | None = None) -> Path:
    """Writes data.npz, a trained teacher.keras and tinygen.toml to `folder` and returns the path of tinygen.toml.

    What is there already is kept, so that a second run is quick; an unedited tinygen.toml takes the new board.
    Training takes about ten seconds on two cores.
    """
    require_packages()
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{folder}: cannot be made: {error.strerror}.") from error
    data, model, config = folder / "data.npz", folder / "teacher.keras", folder / "tinygen.toml"
    if not data.is_file():
        _replace(data, _npz(digits_data()))
    if not model.is_file():
        made = folder / ".teacher.part.keras"
        try:
            run_job("tinygen.demo:teacher_job", {"data": str(data), "out": str(made)}, progress=progress)
            made.replace(model)
        finally:
            made.unlink(missing_ok=True)
    template = (data_dir("templates") / "demo" / "tinygen.toml").read_text("utf-8")
    if not config.is_file() or _BOARDS.sub("", config.read_text("utf-8", "replace")) == _BOARDS.sub("", template):
        _replace(config, _BOARDS.sub(lambda _: f"boards = {json.dumps([board])}", template).encode())
    return config


def teacher_job(request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Runs in the worker: trains a small convolutional teacher with Keras 3 and saves it as .keras."""
    import keras

    keras.utils.set_random_seed(SEED)
    with np.load(request["data"], allow_pickle=False) as arrays:
        data = {name: arrays[name] for name in arrays.files}
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Rescaling(1 / 16),
            *[layer for filters in (32, 64) for layer in _block(filters)],
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ],
        name="teacher",
    )
    rate = keras.optimizers.schedules.CosineDecay(3e-3, EPOCHS * -(-len(data["x_train"]) // 64))
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    tell = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: progress(
            f"teacher: epoch {epoch + 1}/{EPOCHS}, accuracy {logs['accuracy']:.4f}"
        )
    )
    model.fit(data["x_train"], data["y_train"], batch_size=64, epochs=EPOCHS, verbose=0, callbacks=[tell])
    model.save(request["out"])
    return {"parameters": int(model.count_params())}


def _block(filters: int) -> list[Any]:
    from keras import layers

    return [
        layers.Conv2D(filters, 3, padding="same", use_bias=False),
        layers.BatchNormalization(momentum=0.9),
        layers.ReLU(),
        layers.MaxPooling2D(),
    ]


def _npz(arrays: dict[str, Array]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def _replace(path: Path, content: bytes) -> None:
    """Writes beside and renames: a kill leaves the old file or the new one."""
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    part.replace(path)
