"""The quantization doctor: nothing on a healthy model, and one crafted model a kind that raises exactly that kind."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import tinygen

from tinygen.dataset import DataSet
from tinygen.diagnosis import Diagnosis, diagnose, diagnose_file
from tinygen.finding import Finding
from tinygen.frontend.doctor.examined import read_examined
from tinygen.frontend.quantize import quantize_job

pytestmark = [pytest.mark.needs_tensorflow, pytest.mark.needs_tflm, pytest.mark.slow]

Doctor = Callable[..., Diagnosis]


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    """Quantizes a live tf_keras model here, without the worker, and asks the doctor."""

    def ask(model: Any, x: Any, y: Any = None, **others: Any) -> Diagnosis:
        tmp_path.joinpath("m.h5").unlink(missing_ok=True)
        model.save(tmp_path / "m.h5", include_optimizer=False, save_format="h5")
        np.save(tmp_path / "x.npy", np.asarray(x, np.float32))
        folder = tmp_path / f"examined-{len(list(tmp_path.iterdir()))}"
        job = {
            "name": "m", "path": str(tmp_path / "m.h5"), "kind": "keras", "samples": str(tmp_path / "x.npy"),
            "out": str(tmp_path / "m.tflite"), "preprocess": None, "examined": str(folder),
            "precision": "int8",
        }  # fmt: skip
        [told] = quantize_job({"models": [job]}, lambda _: None)["models"]
        arrays = {"x_train": np.asarray(x, np.float32), **({"y_train": y} if y is not None else {}), **others}
        examined = read_examined(folder, told["found"])
        return diagnose((tmp_path / "m.tflite").read_bytes(), "m", DataSet("d.npz", arrays), examined)

    return ask


def kinds(found: Diagnosis) -> set[str]:
    return {finding.kind for finding in found.findings}


def only(found: Diagnosis) -> Finding:
    """The one finding that there is."""
    assert [finding.kind for finding in found.findings] == [found.findings[0].kind]
    finding = found.findings[0]
    assert "\n" not in finding.line and finding.text and finding.hint
    return finding


@pytest.fixture(scope="module")
def digits() -> tuple[Any, Any, Any]:
    """(a model trained on the digits as 0 to 16 with a batch normalization and no other scaling, x, y)"""
    import tf_keras
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    x = x.reshape(-1, 8, 8, 1).astype(np.float32)
    tf_keras.utils.set_random_seed(0)
    k = tf_keras.layers
    model = tf_keras.Sequential(
        [
            tf_keras.Input((8, 8, 1)), k.Conv2D(8, 3, padding="same", name="first"),
            k.BatchNormalization(momentum=0.9, name="norm"),
            k.ReLU(), k.MaxPooling2D(), k.Conv2D(16, 3, padding="same", activation="relu"), k.Flatten(),
            k.Dense(10, activation="softmax", name="last"),
        ]
    )  # fmt: skip
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=6, batch_size=64, verbose=0)
    return model, x[:200], y[:200]


def small(*layers: Any, shape: tuple[int, ...] = (64,), seed: int = 1) -> Any:
    import tf_keras

    tf_keras.utils.set_random_seed(seed)
    return tf_keras.Sequential([tf_keras.Input(shape), *layers])


def noise(shape: tuple[int, ...] = (64,), samples: int = 120) -> Any:
    return np.random.default_rng(0).normal(size=(samples, *shape)).astype(np.float32)


def test_a_healthy_model_has_none_and_its_layers_are_measured(doctor: Doctor, digits: tuple[Any, Any, Any]) -> None:
    model, x, y = digits
    found = doctor(model, x, y)
    assert found.findings == () and found.reason == ""
    assert {"CONV_2D", "FULLY_CONNECTED", "SOFTMAX"} <= {row.op for row in found.layers}
    assert all(row.snr_db is not None and row.snr_db > 15 for row in found.layers)


def test_normalization_left_out_or_done_twice(doctor: Doctor, digits: tuple[Any, Any, Any]) -> None:
    import tf_keras

    model, x, y = digits
    finding = only(doctor(model, x / 16, y))
    assert (finding.kind, finding.layer) == ("batch-norm-mismatch", "norm")
    assert finding.figure == pytest.approx(1 / 16, rel=0.3)
    assert "batch-norm-mismatch" in kinds(doctor(model, x * 16, y))
    scaled = small(tf_keras.layers.Rescaling(1 / 255, name="rescaling"), tf_keras.layers.Dense(4))
    assert doctor(scaled, 100 + 50 * noise()).findings == ()
    for factor in (1 / 255, 255):
        finding = only(doctor(scaled, (100 + 50 * noise()) * factor))
        assert (finding.kind, finding.layer) == ("input-range", "rescaling")


def test_splits_of_two_scales(doctor: Doctor) -> None:
    import tf_keras

    found = doctor(small(tf_keras.layers.Dense(4)), noise(), x_test=noise() * 255)
    finding = only(found)
    assert finding.kind == "splits-differ" and finding.figure == pytest.approx(255)


def test_outliers(doctor: Doctor) -> None:
    import tf_keras

    x = noise()
    x[1, 3] = 100.0
    found = doctor(small(tf_keras.layers.Dense(64)), x)
    finding = next(f for f in found.findings if f.layer == "input")
    assert kinds(found) == {"outliers"} and finding.figure is not None and 0.04 < finding.figure < 0.1


def test_dead_channels_and_a_dead_layer(doctor: Doctor) -> None:
    import tf_keras

    k = tf_keras.layers
    model = small(k.Dense(8, activation="relu", name="wide"), k.Dense(4, name="last"))
    kernel, bias = model.get_layer("wide").get_weights()
    kernel[:, 2:5] = 0
    model.get_layer("wide").set_weights([kernel, bias])
    finding = only(doctor(model, noise()))
    assert (finding.kind, finding.layer, finding.figure, finding.severity) == ("dead-channels", "wide", 3.0, "note")
    model.get_layer("wide").set_weights([np.zeros_like(kernel), bias])
    finding = only(doctor(model, noise()))
    assert (finding.kind, finding.layer) == ("zero-range", "wide")
    assert only(doctor(small(k.Dense(4)), np.ones((50, 64)))).kind == "zero-range"


def test_the_layer_that_loses_the_most(doctor: Doctor) -> None:
    """One channel of 1,000 that the next layer does not even read leaves the others two of their values."""
    import tf_keras

    k = tf_keras.layers
    model = small(k.Dense(16, name="wide"), k.Dense(8, name="reads"), k.Dense(4, name="after"))
    (first, bias), (second, other) = model.get_layer("wide").get_weights(), model.get_layer("reads").get_weights()
    first[:, 0] *= 1000
    second[0] = 0
    model.get_layer("wide").set_weights([first, bias])
    model.get_layer("reads").set_weights([second, other])
    finding = only(doctor(model, noise()))
    assert (finding.kind, finding.layer) == ("layer-loss", "reads")
    assert finding.figure is not None and finding.figure < 10


def test_softmax(doctor: Doctor) -> None:
    import tf_keras

    k = tf_keras.layers
    y = np.arange(120) % 4
    twice = only(doctor(small(k.Dense(4, activation="softmax"), k.Softmax()), noise(), y))
    assert twice.kind == "softmax" and twice.figure == pytest.approx(np.e / (np.e + 3), abs=0.01)
    missing = only(doctor(small(k.Dense(4, name="last")), noise(), y))
    assert (missing.kind, missing.layer, missing.severity) == ("logits", "fully_connected", "note")
    assert doctor(small(k.Dense(4)), noise(), noise((4,))).findings == ()
    model = small(k.Dense(4, activation="softmax", name="last"))
    assert doctor(model, noise(), y).findings == ()
    model.get_layer("last").set_weights([w * 300 for w in model.get_layer("last").get_weights()])
    assert only(doctor(model, noise(), y)).kind == "softmax"


def converted(model: Any, **settings: Any) -> bytes:
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    for name, value in settings.items():
        setattr(converter, name, value)
    return bytes(converter.convert())


def test_what_a_file_alone_shows(tmp_path: Path) -> None:
    import tensorflow as tf
    import tf_keras

    k = tf_keras.layers
    default = [tf.lite.Optimize.DEFAULT]
    samples = noise((8, 8, 2))

    def representative() -> Any:
        yield from ([x[None]] for x in samples)

    dense = small(k.Dense(64, name="wide"), k.Dense(32, name="last"))
    assert only(diagnose_file(converted(dense), "m")).kind == "float-model"
    hybrid = converted(dense, optimizations=default)
    found = diagnose_file(hybrid, "m")
    assert kinds(found) == {"hybrid-operator"} and found.findings[0].layer.startswith("wide")
    islands = small(
        k.Conv2D(4, 3), k.Lambda(lambda x: tf.math.cumsum(x, axis=1), name="odd"), k.Conv2D(4, 3),
        shape=(8, 8, 2),
    )  # fmt: skip
    island = converted(islands, optimizations=default, representative_dataset=representative)
    whole = diagnose_file(island, "m")
    assert (only(whole).kind, only(whole).layer) == ("float-island", "odd")
    opened = small(k.Conv2D(4, 3), k.Reshape((-1, 4)), k.Conv1D(4, 3), shape=(8, 8, 2))
    batch = converted(opened, optimizations=default, representative_dataset=representative)
    assert only(diagnose_file(batch, "m")).kind == "dynamic-batch"
    (tmp_path / "hybrid.tflite").write_bytes(hybrid)
    done = tinygen("inspect", tmp_path / "hybrid.tflite", "--json", tmp_path / "i.json")
    done.refused(2, "FULLY_CONNECTED", out=None)
    told = json.loads((tmp_path / "i.json").read_text())
    assert {finding["kind"] for finding in told["findings"]} == {"hybrid-operator"} and told["error"]
    assert tinygen("inspect", tmp_path / "hybrid.tflite", "--json", "-").out == ""


def test_the_command(tmp_path: Path, digits: tuple[Any, Any, Any]) -> None:
    model, x, y = digits
    model.save(tmp_path / "m.h5", include_optimizer=False, save_format="h5")
    np.savez(tmp_path / "d.npz", x_train=x / 255, y_train=y)
    args = ("quantize", tmp_path / "m.h5", "--data", tmp_path / "d.npz", "-o", tmp_path / "o.tflite")
    done = tinygen(*args, "--json", tmp_path / "q.json")
    assert done.code == 0, done.err
    told = json.loads((tmp_path / "q.json").read_text())
    [finding] = told["findings"]
    assert set(finding) == {"kind", "severity", "layer", "figure", "unit", "text", "hint"}
    assert finding["kind"] == "batch-norm-mismatch" and finding["unit"] == "times"
    assert "warning: norm: " in " ".join(done.out.split())
    assert {"layer", "op", "snr_db"} == set(told["layer_snr"][0]) and told["notes"]
