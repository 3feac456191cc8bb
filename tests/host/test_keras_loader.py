"""Loading model files in the worker: every format, and one clear line for files that are damaged, hostile or custom."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinygen.errors import BadInput
from tinygen.frontend.keras_archive import clean_archive
from tinygen.frontend.keras_classes import check_config
from tinygen.frontend.keras_loader import load_model, sniff
from tinygen.model_file import LoadedModel

pytestmark = [pytest.mark.needs_tensorflow, pytest.mark.slow]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One small model in every format, by Keras 3 and by Keras 2."""
    import keras
    import tf_keras

    folder = tmp_path_factory.mktemp("models")
    for k, prefix in ((keras, "k3"), (tf_keras, "k2")):
        model = k.Sequential(
            [
                k.Input((8, 3)),
                k.layers.Rescaling(0.5),
                k.layers.Conv1D(4, 3, activation="relu"),
                k.layers.Flatten(),
                k.layers.Dense(2, activation="softmax"),
            ]
        )
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.save(folder / f"{prefix}.keras")
        model.save(folder / f"{prefix}.h5")
        np.save(folder / f"{prefix}.npy", model(np.ones((1, 8, 3), np.float32)))
        if prefix == "k3":
            model.export(folder / "k3_saved", verbose=False)
        else:
            model.save(folder / "k2_saved", save_format="tf")
            model.save_weights(folder / "weights.h5")
    return folder


def refusal(path: Path, tmp_path: Path) -> str:
    before = set(tmp_path.rglob("*"))
    with pytest.raises(BadInput) as caught:
        load_model(path, tmp_path)
    assert "\n" not in caught.value.line and "Traceback" not in caught.value.line
    assert set(tmp_path.rglob("*")) <= before | {tmp_path / "checked.keras"}
    return caught.value.line


@pytest.mark.parametrize("name", ["k3.keras", "k3.h5", "k2.keras", "k2.h5", "k2_saved"])
def test_every_format_becomes_the_same_model(files: Path, tmp_path: Path, name: str) -> None:
    import tf_keras

    loaded = load_model(files / name, tmp_path)
    assert (loaded.kind, loaded.input_shape, loaded.output_shape) == ("keras", (1, 8, 3), (1, 2))
    model = tf_keras.models.load_model(loaded.path, compile=False)
    wanted = np.load(files / f"{name[:2]}.npy")
    np.testing.assert_allclose(model(np.ones((1, 8, 3), np.float32)), wanted, atol=1e-6)
    assert loaded.parameters == model.count_params() == 90


def test_a_saved_model_without_keras_metadata_is_a_graph(files: Path, tmp_path: Path) -> None:
    loaded = load_model(files / "k3_saved", tmp_path)
    assert (loaded.kind, loaded.input_shape, loaded.output_shape, loaded.parameters) == ("graph", (1, 8, 3), (1, 2), 90)
    assert any("not compressed" in finding for finding in loaded.findings)


def test_two_models_of_one_name_do_not_collide(files: Path, tmp_path: Path) -> None:
    assert load_model(files / "k2.h5", tmp_path).path != load_model(files / "k2.h5", tmp_path).path


@pytest.mark.needs_models
@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("ad01.h5", ((1, 640), (1, 640))),
        ("ic_resnet8.h5", ((1, 32, 32, 3), (1, 10))),
        ("vww_96.h5", ((1, 96, 96, 3), (1, 2))),
    ],
)
def test_real_models(
    model_path: Callable[[str], Path], tmp_path: Path, name: str, shapes: tuple[tuple[int, ...], ...]
) -> None:
    loaded = load_model(model_path(name), tmp_path)
    assert (loaded.input_shape, loaded.output_shape) == shapes


def test_a_process_that_imported_keras_3_still_works(files: Path, tmp_path: Path) -> None:
    code = (
        "import os, sys; os.environ['TF_USE_LEGACY_KERAS'] = '0'; import tensorflow, keras\n"
        "from tinygen.frontend.keras_loader import load_model\n"
        "print(load_model(sys.argv[1], sys.argv[2]).kind)"
    )
    command = [sys.executable, "-c", code, str(files / "k3.keras"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "keras\n", done.stderr[-1000:]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.keras", b"", "the file is empty"),
        ("a.h5", b"hello, world", "neither a .keras, an .h5 nor a SavedModel"),
        ("a.keras", b"\x1c\0\0\0TFL3....", "is a .tflite"),
        ("a.keras", b"PK\x03\x04 and nothing", "not a readable .keras file"),
        ("a.h5", b"\x89HDF\r\n\x1a\n and nothing", "not a readable HDF5 file"),
    ],
)
def test_files_that_are_no_model(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert told in refusal(tmp_path / name, tmp_path)


@pytest.mark.parametrize("name", ["k3.keras", "k2.h5"])
@pytest.mark.parametrize("keep", [0.2, 0.6, 0.99])
def test_truncated_files(files: Path, tmp_path: Path, name: str, keep: float) -> None:
    content = (files / name).read_bytes()
    (tmp_path / name).write_bytes(content[: int(len(content) * keep)])
    assert "not a readable" in refusal(tmp_path / name, tmp_path)


def test_a_flipped_byte_in_the_weights(files: Path, tmp_path: Path) -> None:
    content = bytearray((files / "k3.keras").read_bytes())
    content[content.index(b"model.weights.h5") + 3000] ^= 0xFF
    (tmp_path / "a.keras").write_bytes(content)
    assert "not a readable .keras file: Bad CRC-32" in refusal(tmp_path / "a.keras", tmp_path)


def test_absent_paths_and_weights_alone(files: Path, tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "none.keras", tmp_path)
    (tmp_path / "folder").mkdir()
    assert "without saved_model.pb" in refusal(tmp_path / "folder", tmp_path)
    assert "holds weights but no model" in refusal(files / "weights.h5", tmp_path)


def test_a_lambda_is_refused_by_name_and_not_run(tmp_path: Path) -> None:
    import keras
    import tf_keras

    trap = tmp_path / "ran"
    for k, names in ((keras, ["a.keras", "a.h5"]), (tf_keras, ["b.keras", "b.h5", "b_saved"])):
        body = k.layers.Lambda(lambda x, path=str(trap): (open(path, "w").close(), x)[1], name="sly", output_shape=(4,))
        model = k.Sequential([k.Input((4,)), body, k.layers.Dense(2)])
        trap.unlink(missing_ok=True)
        for name in names:
            model.save(tmp_path / name)
        trap.unlink(missing_ok=True)
        for name in names:
            assert "layer 'sly' is a Lambda" in refusal(tmp_path / name, tmp_path)
    assert not trap.exists()


def test_a_custom_class_is_refused_by_name(tmp_path: Path) -> None:
    import keras

    @keras.saving.register_keras_serializable("mine")
    class Special(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return x

    inner = keras.Sequential([keras.Input((4,)), Special(name="own")], name="inner")
    keras.Sequential([keras.Input((4,)), inner, keras.layers.Dense(2)]).save(tmp_path / "a.keras")
    assert "layer 'own' is of the custom class 'mine>Special'" in refusal(tmp_path / "a.keras", tmp_path)


def test_open_shapes_and_two_inputs(tmp_path: Path) -> None:
    import keras

    x, y = keras.Input((4,)), keras.Input((4,))
    keras.Model([x, y], keras.layers.Add()([x, y])).save(tmp_path / "two.keras")
    assert "has 2 inputs; one is supported" in refusal(tmp_path / "two.keras", tmp_path)
    keras.Sequential([keras.Input((None, 3)), keras.layers.Conv1D(2, 3)]).save(tmp_path / "open.keras")
    assert "the input's shape [None, None, 3] is open" in refusal(tmp_path / "open.keras", tmp_path)


def test_a_saved_model_that_reads_files_is_refused_unloaded(tmp_path: Path) -> None:
    import tensorflow as tf

    class Reader(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((1, 4), tf.float32)])
        def __call__(self, x: Any) -> Any:
            return x + tf.strings.to_number(tf.io.read_file("/etc/hostname"))

    tf.saved_model.save(Reader(), str(tmp_path / "reader"))
    line = refusal(tmp_path / "reader", tmp_path)
    assert "ReadFile" in line and "not on the allow-list" in line
    content = (tmp_path / "reader" / "saved_model.pb").read_bytes()
    (tmp_path / "reader" / "saved_model.pb").write_bytes(content[: len(content) // 2])
    assert "saved_model.pb" in refusal(tmp_path / "reader", tmp_path)
    (tmp_path / "reader" / "saved_model.pb").write_bytes(b"")
    assert "holds no graph" in refusal(tmp_path / "reader", tmp_path)


@pytest.mark.parametrize("operator", ["WriteFile", "PyFunc"])
def test_a_saved_model_that_would_act_is_refused_unloaded(tmp_path: Path, operator: str) -> None:
    """In a function of its library, which a loader would trace; nothing is written and nothing is called."""
    import tensorflow as tf

    witness = tmp_path / "written"

    class Actor(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((1, 4), tf.float32)])
        def __call__(self, x: Any) -> Any:
            if operator == "WriteFile":
                tf.io.write_file(str(witness), "x")
                return x
            return tf.numpy_function(lambda y: witness.touch() or y, [x], tf.float32)

    tf.saved_model.save(Actor(), str(tmp_path / "actor"))
    line = refusal(tmp_path / "actor", tmp_path)
    assert operator in line and "not on the allow-list" in line and not witness.exists()


def repacked(source: Path, target: Path, **members: bytes) -> Path:
    """A copy of a .keras with some members replaced (dots are written as __)."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        content = {name: old.read(name) for name in old.namelist()}
        content.update({name.replace("__", "."): data for name, data in members.items()})
        for name, data in content.items():
            new.writestr(name, data)
    return target


def test_a_zip_bomb_is_not_unpacked(files: Path, tmp_path: Path) -> None:
    path = repacked(files / "k3.keras", tmp_path / "bomb.keras", config__json=b" " * (65 << 20))
    assert path.stat().st_size < 1 << 20
    assert "config.json is larger than" in refusal(path, tmp_path)


def test_members_elsewhere_are_never_written(files: Path, tmp_path: Path) -> None:
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    path = shutil.copy(files / "k3.keras", inside / "m.keras")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../escaped.txt", "x")
        archive.writestr("assets/sly/vocabulary.txt", "x")
    assert isinstance(load_model(path, inside), LoadedModel)
    assert not list(tmp_path.rglob("escaped.txt")) and not list(tmp_path.rglob("vocabulary.txt"))
    with zipfile.ZipFile(inside / "checked.keras") as archive:
        assert sorted(archive.namelist()) == ["config.json", "metadata.json", "model.weights.h5"]


@pytest.mark.parametrize("kind", ["external", "soft", "storage", "huge"])
def test_weights_that_reach_out_of_the_file(files: Path, tmp_path: Path, kind: str) -> None:
    import h5py

    buffer = io.BytesIO((zipfile.ZipFile(files / "k3.keras")).read("model.weights.h5"))
    secret = tmp_path / "secret.bin"
    secret.write_bytes(b"\0" * 64)
    with h5py.File(buffer, "a") as file:
        if kind == "external":
            file["more"] = h5py.ExternalLink(str(secret), "/")
        elif kind == "soft":
            file["more"] = h5py.SoftLink("/layers")
        elif kind == "storage":
            file.create_dataset("more", (4,), "f4", external=[(str(secret), 0, 64)])
        else:
            file.create_dataset("more", (1 << 30,), "f8", chunks=(1024,))
    path = repacked(files / "k3.keras", tmp_path / "m.keras", model__weights__h5=buffer.getvalue())
    told = {"external": "is a link", "soft": "is a link", "storage": "from another file", "huge": "the limit is"}[kind]
    with pytest.raises(BadInput, match=told):
        clean_archive(path, tmp_path / "copy.keras")
    assert not (tmp_path / "copy.keras").exists()


LAYER: dict[str, Any] = {"module": "keras.layers", "class_name": "Dense", "config": {"name": "d", "units": 2}}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"module": "os", "class_name": "system"}, "custom class 'system'"),
        ({"module": "mine.keras", "class_name": "Dense"}, "custom class 'Dense'"),
        ({"module": "keras.utils", "class_name": "get_file"}, "Keras class 'get_file'"),
        ({"class_name": "TextVectorization"}, "Keras class 'TextVectorization'"),
        ({"class_name": "Dense", "registered_name": "mine>Dense"}, "custom class"),
        ({"config": {"name": "d", "activation": "os.system"}}, "unknown function 'os.system'"),
        ({"config": {"name": "d", "x": {"module": "builtins", "class_name": "function", "config": "eval"}}}, "'eval'"),
        ({"config": {"name": "d", "x": [{"class_name": "__lambda__", "config": {}}]}}, "is a Lambda"),
        ({"config": {"name": "d", "x": {"module": "keras.saving", "class_name": "load_model"}}}, "'load_model'"),
        ({"class_name": "TFOpLambda", "config": {"name": "d", "function": "io.write_file"}}, "'io.write_file'"),
        ({"class_name": ["Dense"]}, "custom class"),
        ({"class_name": None, "module": "os"}, "custom class"),
    ],
)
def test_hostile_configurations(change: dict[str, Any], told: str) -> None:
    config = {"class_name": "Sequential", "config": {"name": "m", "layers": [LAYER]}}
    check_config(config, "m.keras")
    config["config"]["layers"] = [{**LAYER, **change}]  # type: ignore[index]
    with pytest.raises(BadInput) as caught:
        check_config(config, "m.keras")
    assert told in caught.value.line and any(f"layer {name!r}" in caught.value.line for name in "dm")


@pytest.mark.parametrize("config", [None, [], {}, {"class_name": "Mine"}, {"class_name": ["Sequential"]}])
def test_what_is_not_a_model(config: Any) -> None:
    with pytest.raises(BadInput, match="not Sequential or Functional"):
        check_config(config, "m.keras")


def test_deep_nesting_is_refused(files: Path, tmp_path: Path) -> None:
    deep: Any = {}
    for _ in range(300):
        deep = {"x": deep}
    config = {"class_name": "Sequential", "config": {"name": "m", "layers": [{**LAYER, "config": deep}]}}
    with pytest.raises(BadInput, match="nested deeper"):
        check_config(config, "m.keras")
    path = repacked(files / "k3.keras", tmp_path / "m.keras", config__json=b"[" * 100000 + b"]" * 100000)
    assert "not a readable .keras file" in refusal(path, tmp_path)
    path = repacked(files / "k3.keras", tmp_path / "m.keras", config__json=json.dumps([1]).encode())
    assert "not Sequential or Functional" in refusal(path, tmp_path)


def test_sniffing_needs_no_tensorflow(files: Path) -> None:
    assert [sniff(files / name) for name in ("k3.keras", "k2.h5", "k2_saved")] == ["keras", "h5", "savedmodel"]
