"""Scikit-learn's digits, a trained model on them, and techniques applied in this very process."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tinygen.compress.registry import technique
from tinygen.compress.task import Task
from tinygen.compress.training import Context, TrainingData, predict, train
from tinygen.frontend.quantize import QuantizeResult, quantize_job
from tinygen.preprocess import quantize_input
from tinygen.project import Preprocess

TASK = Task("classes", 10, activated=True)


@cache
def arrays() -> dict[str, Any]:
    from sklearn.datasets import load_digits

    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.target))
    x, y = digits.images[order].astype(np.float32)[..., None], digits.target[order].astype(np.int64)
    cuts = {"train": slice(0, 500), "val": slice(900, 1100), "test": slice(1200, 1600)}
    return {f"{n}_{split}": a[cut] for split, cut in cuts.items() for n, a in (("x", x), ("y", y))}


def training_data() -> TrainingData:
    a = arrays()
    return TrainingData(a["x_train"], a["y_train"], a["x_val"], a["y_val"])


def model(filters: int = 8, seed: int = 0) -> Any:
    """An untrained model with batch normalization, a residual add and a depthwise layer; pixels from 0 to 16."""
    import tf_keras

    tf_keras.utils.set_random_seed(seed)
    k = tf_keras.layers
    inputs = tf_keras.Input((8, 8, 1))
    x = k.Conv2D(filters, 3, padding="same", use_bias=False, name="first")(k.Rescaling(1 / 16, name="scale")(inputs))
    x = k.ReLU(name="relu")(k.BatchNormalization(momentum=0.9, name="norm")(x))
    y = k.DepthwiseConv2D(3, padding="same", activation="relu", name="depth")(x)
    x = k.MaxPooling2D(name="pool")(k.Add(name="add")([x, y]))
    x = k.Flatten(name="flat")(k.Conv2D(filters, 3, activation="relu", name="second")(x))
    return tf_keras.Model(inputs, k.Dense(10, activation="softmax", name="last")(x), name="digits")


@cache
def teacher() -> Any:
    """A trained model."""
    made = model()
    options = technique("finetune").options.model_validate({"epochs": 12, "learning_rate": 5e-3})
    train(made, training_data(), options, context(made), task=TASK)  # type: ignore[arg-type]
    return made


def context(original: Any, seed: int = 1, load: Any = None) -> Context:
    return Context(TASK, original, seed, lambda _: None, load)


def apply(name: str, start: Any, seed: int = 1, load: Any = None, **options: Any) -> tuple[Any, dict[str, Any]]:
    """One step of a recipe, seeded as the runner seeds it."""
    import tf_keras

    tf_keras.utils.set_random_seed(seed)
    found = technique(name)
    return found.apply(
        start, training_data(), found.options.model_validate(options), context(teacher(), seed, load)
    )  # fmt: skip


def accuracy(made: Any, split: str = "test") -> float:
    return TASK.score(predict(made, arrays()[f"x_{split}"]), arrays()[f"y_{split}"])


def kernels(made: Any) -> dict[str, Any]:
    """Every weight of two axes or more, by its variable's name."""
    return {w.name: w.numpy() for w in made.trainable_weights if w.shape.rank >= 2}


def quantized(made: Any, folder: Path, name: str = "digits", samples: Any = None, **options: Any) -> QuantizeResult:
    """The model through the job of tinygen's quantize stage, in this very process."""
    path, out = folder / f"{name}.h5", folder / f"{name}.tflite"
    made.save(path, include_optimizer=False, save_format="h5")
    np.save(folder / "samples.npy", arrays()["x_train"][:200] if samples is None else samples)
    job = {"name": name, "path": str(path), "kind": "keras", "samples": str(folder / "samples.npy"), "out": str(out)}
    told = quantize_job({"models": [{"precision": "int8", "preprocess": None, **job, **options}]}, lambda _: None)
    [answer] = told["models"]
    kept = Preprocess.model_validate(answer["preprocess"]) if answer["preprocess"] else None
    return QuantizeResult(out.read_bytes(), kept, tuple(answer["findings"]))


def run(result: QuantizeResult, split: str = "test") -> float:
    """The accuracy of a .tflite, by TensorFlow Lite's reference kernels."""
    import tensorflow as tf

    kernels = tf.lite.experimental.OpResolverType.BUILTIN_REF
    interpreter = tf.lite.Interpreter(model_content=result.tflite, experimental_op_resolver_type=kernels)
    interpreter.allocate_tensors()
    given, got = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    x = arrays()[f"x_{split}"]
    x = quantize_input(x, result.preprocess, *given["quantization"], given["dtype"].__name__)
    outputs = []
    for sample in x:
        interpreter.set_tensor(given["index"], sample[None])
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(got["index"])[0])
    return float((np.array(outputs).argmax(axis=1) == arrays()[f"y_{split}"]).mean())


def tensors(tflite: bytes) -> list[dict[str, Any]]:
    """Every tensor's details, with its `data` where it is constant."""
    import tensorflow as tf

    interpreter = tf.lite.Interpreter(model_content=tflite)
    found = []
    for details in interpreter.get_tensor_details():
        try:
            details["data"] = interpreter.get_tensor(details["index"])
        except ValueError:
            details["data"] = None  # an activation, which has no value yet
        found.append(details)
    return found
