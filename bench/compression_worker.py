"""The worker's side of bench/compression.py: one data set, one seed; the teacher once, then every recipe from it."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tinygen import example_data
from tinygen.boards import load_board
from tinygen.compiled import Model, compile_model
from tinygen.compress.finished import keys_of, prepare, read_finished
from tinygen.compress.registry import technique
from tinygen.compress.runner import compress_job
from tinygen.dataset import DataSet
from tinygen.frontend.convert import Precision
from tinygen.frontend.importer import import_tflite
from tinygen.frontend.quantize import quantized_here
from tinygen.frontend.representative import representative_samples
from tinygen.metric import score
from tinygen.objective import Objective
from tinygen.pipeline import render_project
from tinygen.preprocess import quantize_input
from tinygen.records import tensor_record
from tinygen.simulate.reference import reference
from tinygen.simulation import simulate
from tinygen.writing import write_project

Array = npt.NDArray[Any]
Progress = Callable[[str], None]


def rows_job(request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Runs in a process of its own: writes a row's file for every recipe of the request that has none yet."""
    folder = Path(request["folder"])
    prepare(folder, fresh=False)
    arrays = split(request["dataset"], request["table"]["shares"], request["seed"], request["hidden"])
    fit = {k: v for k, v in arrays.items() if not k.endswith("_test")}
    np.savez(folder / "fit.npz", **fit)
    teacher = trained_teacher(folder, fit, request["table"], request["seed"], progress)
    for recipe in request["recipes"]:
        records = run_steps(folder, teacher, fit, recipe["steps"], request["seed"], progress)
        key = row_key(records[-1]["path"], recipe, request)
        path = folder / "rows" / f"{recipe['name']}.json"
        if path.is_file() and json.loads(path.read_text("utf-8"))["key"] == key:
            progress(f"{recipe['name']}: kept")
            continue
        row = measured(records, arrays, recipe, request)
        path.parent.mkdir(exist_ok=True)
        path.with_suffix(".part").write_text(json.dumps({"key": key, "row": row}, indent=1) + "\n", encoding="utf-8")
        os.replace(path.with_suffix(".part"), path)
        told = row["accuracy_int8"] if row["accuracy_int8"] is not None else row["validation_int8"]
        progress(f"{recipe['name']}: int8 {told:.4f}, {row['weights_bytes']} B of weights")
    return {}


def split(dataset: str, shares: list[float], seed: int, hidden: list[int]) -> dict[str, Array]:
    """The arrays of a seed. With `hidden` seeds, no sample that one of them tests on is validated on here, and there
    is no test: what is tried out on such a split sees no test set."""
    x, y = getattr(example_data, dataset)()
    if not hidden:
        return example_data.split_by_class(x, y, seed, shares)
    index = np.arange(len(x))
    tested = [example_data.split_by_class(index, y, s, shares)["x_test"] for s in hidden]
    free = np.setdiff1d(index, np.concatenate(tested))
    validated = min(len(free), round(shares[1] * len(x)))
    chosen = np.random.default_rng(seed).permutation(free)[:validated]
    rest = np.random.default_rng(seed).permutation(np.setdiff1d(index, chosen))
    train = rest[: round(shares[0] * len(x))]
    return {"x_train": x[train], "y_train": y[train], "x_val": x[chosen], "y_val": y[chosen]}


def trained_teacher(folder: Path, data: dict[str, Array], table: dict[str, Any], seed: int, progress: Progress) -> Path:
    """The teacher's file: trained until the validation loss has not fallen for `patience` epochs, the best kept."""
    import tensorflow as tf
    import tf_keras

    code = inspect.getsource(trained_teacher) + inspect.getsource(teacher_layers)
    digest = hashlib.sha256(json.dumps([code, table, seed]).encode())
    for name in sorted(data):
        digest.update(np.ascontiguousarray(data[name]).data)
    path = folder / f"teacher-{digest.hexdigest()[:16]}.h5"
    if path.is_file():
        return path
    tf.config.experimental.enable_op_determinism()
    tf_keras.utils.set_random_seed(seed)
    model = tf_keras.Sequential(teacher_layers(data, table), name="teacher")
    steps = table["epochs"] * -(-len(data["x_train"]) // table["batch_size"])
    rate = tf_keras.optimizers.schedules.CosineDecay(table["learning_rate"], steps)
    model.compile(tf_keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    stop = tf_keras.callbacks.EarlyStopping("val_loss", patience=table["patience"], restore_best_weights=True)
    history = model.fit(
        data["x_train"],
        data["y_train"],
        batch_size=table["batch_size"],
        epochs=table["epochs"],
        validation_data=(data["x_val"], data["y_val"]),
        callbacks=[stop],
        verbose=0,
    ).history
    progress(f"teacher: {len(history['val_loss'])} epochs, least validation loss {min(history['val_loss']):.4f}")
    part = path.with_suffix(".part.h5")
    model.save(part, include_optimizer=False, save_format="h5")
    os.replace(part, path)
    return path


def teacher_layers(data: dict[str, Array], table: dict[str, Any]) -> list[Any]:
    """Convolution, batch normalization, ReLU and pooling for each of `filters`; then the classes."""
    import tf_keras

    layers, x = tf_keras.layers, data["x_train"]
    if table["kind"] == "conv2d":
        first, conv, pool = layers.Rescaling(1 / 16), layers.Conv2D, layers.MaxPooling2D
        end = layers.Flatten()
    else:
        axes = tuple(range(x.ndim - 1))
        first = layers.Normalization(mean=x.mean(axis=axes).tolist(), variance=x.var(axis=axes).tolist())
        conv, pool, end = layers.Conv1D, layers.MaxPooling1D, layers.GlobalAveragePooling1D()
    stack = [tf_keras.Input(x.shape[1:]), first]
    for filters in table["filters"]:
        stack += [
            conv(filters, table["kernel"], padding="same", use_bias=False),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
            pool(2),
        ]
    stack.append(end)
    if table["dropout"]:
        stack.append(layers.Dropout(table["dropout"]))
    if table["dense"]:
        stack.append(layers.Dense(table["dense"], activation="relu"))
    return [*stack, layers.Dense(int(data["y_train"].max()) + 1, activation="softmax")]


def run_steps(
    folder: Path, teacher: Path, data: dict[str, Array], steps: list[dict[str, Any]], seed: int, progress: Progress
) -> list[dict[str, Any]]:
    """The records of `tinygen compress` with these steps; those that another recipe has done are taken over."""
    requests = []
    for step in steps:
        options = technique(step["technique"]).options.model_validate(
            {key: value for key, value in step.items() if key != "technique"}
        )
        told = json.loads(options.model_dump_json())
        requests.append({"technique": step["technique"], "options": told, "files": {}, "found": {}})
    keys = keys_of(teacher, data, 1000 * seed, requests)
    done = read_finished(folder, keys, ["original", *(r["technique"] for r in requests)])
    if len(done) == len(keys):
        return done
    request = {"model": str(teacher), "data": str(folder / "fit.npz"), "path": "fit.npz", "work": str(folder)}
    own = {"steps": requests, "seed": 1000 * seed, "keys": keys, "done": done, "objective": asdict(Objective())}
    answer = compress_job({**request, **own}, lambda _: None)
    return list(answer["records"])


def row_key(model: str, recipe: dict[str, Any], request: dict[str, Any]) -> str:
    """Of all that a row follows from, but tinygen's kernels and compilers: --fresh measures those anew."""
    code = Path(__file__).read_bytes()
    told = [recipe, request["board"], request["optimize"], request["samples"], request["hidden"]]
    digest = hashlib.sha256(code + json.dumps(told, sort_keys=True).encode())
    return digest.hexdigest() + hashlib.sha256(Path(model).read_bytes()).hexdigest()


def measured(
    records: list[dict[str, Any]], arrays: dict[str, Array], recipe: dict[str, Any], request: dict[str, Any]
) -> dict[str, Any]:
    """One row. Test data is read here alone, after the last choice; without it, accuracies of the test are None."""
    last = records[-1]
    model = quantized(last["path"], arrays, recipe["precision"])
    compiled = compile_model(model, load_board(request["board"]), optimize=request["optimize"])
    dense = compile_model(model, load_board(request["board"]), optimize="speed")
    row: dict[str, Any] = {
        "dataset": request["dataset"],
        "recipe": recipe["name"],
        "seed": request["seed"],
        "accuracy_float": None,
        "accuracy_int8": None,
        "validation_float": last["value"],
        "validation_int8": None,
        "parameters": last["parameters"],
        "nonzero_share": last["nonzero_share"],
        "macs": sum(layer.macs for layer in compiled.layers),
        "weights_bytes": compiled.weights_bytes,
        "dense_weights_bytes": dense.weights_bytes,
        "arena_bytes": compiled.plan.arena_bytes,
        "flash_bytes": None,
        "soup": {k: v for k, v in last["facts"].items() if k in ("best_ingredient", "soup", "taken")} or None,
    }
    if request["hidden"]:
        return {**row, "validation_int8": reference_accuracy(model, arrays["x_val"], arrays["y_val"])}
    return {**row, **on_board(model, arrays, last["path"], request)}


def quantized(path: str, arrays: dict[str, Array], precision: Precision) -> Model:
    """The model as `tinygen quantize` makes it, calibrated on training data."""
    data = DataSet("fit.npz", {k: v for k, v in arrays.items() if k.endswith("_train")})
    with tempfile.TemporaryDirectory(prefix="tinygen-") as work:
        shape = (1, *arrays["x_train"].shape[1:])
        samples = Path(work) / "samples.npy"
        np.save(samples, representative_samples(data, shape, None, 200, 0))
        tflite, kept = quantized_here(Path(path), samples, name="model", precision=precision, preprocess=None)
    return Model("model", tflite, preprocess=kept)


def reference_accuracy(model: Model, x: Array, y: Array) -> float:
    """The accuracy of TensorFlow Lite Micro's bits."""
    graph = import_tflite(model.tflite, "model")
    record, output = tensor_record(graph, graph.inputs[0]), tensor_record(graph, graph.outputs[0])
    q = quantize_input(x, model.preprocess, record.scale or 1.0, record.zero_point or 0, record.dtype)
    with tempfile.TemporaryDirectory(prefix="tinygen-") as work:
        path = Path(work) / "model.tflite"
        path.write_bytes(model.tflite)
        return float(score(reference(path, [row.tobytes() for row in q]).outputs, output, y)["value"])


def on_board(model: Model, arrays: dict[str, Array], keras: str, request: dict[str, Any]) -> dict[str, Any]:
    """The test set's accuracies, and the linked bytes: `samples` of the test set (0: all) go through the firmware in
    the simulator, each output held to TensorFlow Lite Micro's; where not all, its bits count for the rest."""
    x, y = arrays["x_test"], arrays["y_test"]
    held = DataSet("test", {"x_test": x, "y_test": y})
    with tempfile.TemporaryDirectory(prefix="tinygen-") as work:
        files, manifest = render_project(model, request["board"], optimize=request["optimize"])
        write_project(files, manifest, Path(work) / "project")
        run = simulate(Path(work) / "project", data=held, samples=request["samples"] or None)
    if run.mismatched_samples:
        raise RuntimeError(f"{run.mismatched_samples} of {run.samples} outputs differ from the reference's")
    whole = run.samples == len(x) and run.metric is not None
    return {
        "accuracy_float": float_accuracy(keras, x, y),
        "accuracy_int8": run.metric["value"] if whole and run.metric else reference_accuracy(model, x, y),
        "flash_bytes": run.flash_bytes,
        "instructions": run.instructions_per_inference,
        "test_samples": len(x),
        "simulated_samples": run.samples,
        "simulator": run.simulator,
        "compiler": f"{run.compiler} {run.compiler_version}",
    }


def float_accuracy(path: str, x: Array, y: Array) -> float:
    """Of the Keras model."""
    from tinygen.compress.training import predict
    from tinygen.quantization_aware import open_keras

    return float((predict(open_keras(path), x).argmax(axis=1) == y).mean())
