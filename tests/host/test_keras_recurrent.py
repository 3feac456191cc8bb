"""Keras LSTMs that stay whole: quantized, imported, run as C against TFLite Micro, layer by layer, state kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers
import native
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from oracle import Oracle

from tinygen.compiled import open_model
from tinygen.dataset import load_data
from tinygen.errors import BadInput
from tinygen.frontend.importer import import_tflite
from tinygen.frontend.keras_loader import load_model
from tinygen.frontend.quantize import QuantizeResult, quantize_loaded
from tinygen.passes import optimize
from tinygen.pipeline import generate
from tinygen.simulation import simulate

pytestmark = [pytest.mark.needs_tensorflow, pytest.mark.needs_tflm, pytest.mark.needs_cc, pytest.mark.slow]

SHAPE = (6, 5)
ROUNDS = 6
LSTM = "UNIDIRECTIONAL_SEQUENCE_LSTM"


def _classifier(layers: Any, x: Any) -> Any:
    """What users train: dropout, the last step of two LSTMs, and a dense layer on top."""
    x = layers.LSTM(9, return_sequences=True, dropout=0.2)(x)
    x = layers.LSTM(7, recurrent_dropout=0.1)(x)
    return layers.Dense(4, activation="softmax")(x)


def _branches(layers: Any, x: Any) -> Any:
    """Both ways, backwards, the whole sequence and the last step alone."""
    both = layers.Bidirectional(layers.LSTM(5, return_sequences=True, use_bias=False))(x)
    backwards = layers.LSTM(4, return_sequences=True, go_backwards=True)(x)
    return [both, backwards, layers.LSTM(8)(x)]


def _mixed(layers: Any, x: Any) -> Any:
    """Convolution first, a nested model, a dense layer for each step."""
    import keras

    x = layers.Conv1D(5, 3, padding="same", activation="relu")(x)
    given = keras.Input(x.shape[1:], batch_size=1)
    x = keras.Model(given, layers.LSTM(6, return_sequences=True, use_bias=False)(given), name="nested")(x)
    return layers.TimeDistributed(layers.Dense(3))(x)


#: name: (layers, how many LSTMs the file must hold)
MODELS: dict[str, tuple[Callable[[Any, Any], Any], int]] = {
    "sequence": (lambda layers, x: layers.LSTM(5, return_sequences=True, stateful=True)(x), 1),
    "classifier": (_classifier, 2),
    "branches": (_branches, 4),
    "mixed": (_mixed, 1),
}
REFUSED: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "returns_state": (
        lambda layers, x: layers.Concatenate()(layers.LSTM(4, return_state=True)(x)),
        "states of an LSTM",
    ),
    "state_alone": (lambda layers, x: layers.LSTM(4, return_state=True)(x)[1], "states of an LSTM"),
    "memory_alone": (lambda layers, x: layers.LSTM(4, return_state=True)(x)[2], "states of an LSTM"),
    "relu": (lambda layers, x: layers.LSTM(4, activation="relu", dropout=0.1)(x), "loop"),
}


def _save(name: str, folder: Path) -> Path:
    import keras

    keras.utils.set_random_seed(len(name))
    make = MODELS[name][0] if name in MODELS else REFUSED[name][0]
    x = keras.Input(SHAPE, batch_size=1)
    model = keras.Model(x, make(keras.layers, x))
    model.save(folder / f"{name}.keras")
    return folder / f"{name}.keras"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, QuantizeResult]:
    """Every model by tinygen's own road, converted in one process."""
    folder = tmp_path_factory.mktemp("models")
    values = np.random.default_rng(1).normal(size=(40, *SHAPE)).cumsum(axis=1).astype(np.float32)
    np.savez(folder / "d.npz", x_train=values)
    loaded = [load_model(_save(name, folder), folder) for name in MODELS]
    return dict(zip(MODELS, quantize_loaded(loaded, load_data(folder / "d.npz")), strict=True))


def _with_all_outputs(tflite: bytes) -> bytes:
    """The model with every layer's output as an output of its own."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(bytearray(tflite), 0))
    graph = model.subgraphs[0]
    graph.outputs = [int(i) for op in graph.operators for i in op.outputs]
    model.signatureDefs = None
    builder = flatbuffers.Builder(len(tflite) + 1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def test_the_layers_stay_whole_and_their_state_is_told(results: dict[str, QuantizeResult]) -> None:
    for name, (_, count) in MODELS.items():
        kinds = [op.kind for op in import_tflite(results[name].tflite, name).ops]
        assert kinds.count(LSTM) == count, f"{name}: {kinds}"
        told = [finding for finding in results[name].findings if "_reset()" in finding]
        assert len(told) == 1 and told[0].startswith("LSTM layers keep their state") and "\n" not in told[0]


@pytest.mark.parametrize("name", REFUSED)
def test_loops_are_refused_in_one_line(name: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", x_train=np.ones((8, *SHAPE), np.float32))
    with pytest.raises(BadInput, match=REFUSED[name][1]) as refusal:
        quantize_loaded([load_model(_save(name, tmp_path), tmp_path)], load_data(tmp_path / "d.npz"))
    assert "\n" not in refusal.value.line and len(refusal.value.line) < 400


@pytest.mark.parametrize("passes", [False, True], ids=["every layer", "after the passes"])
def test_models_compute_the_same_bits(results: dict[str, QuantizeResult], passes: bool, tmp_path: Path) -> None:
    generator = np.random.default_rng(2)
    oracle = Oracle()
    try:
        for name, result in results.items():
            data = result.tflite if passes else _with_all_outputs(result.tflite)
            graph = import_tflite(data, name)
            given = [[generator.integers(-128, 128, (1, *SHAPE), dtype=np.int8)] for _ in range(ROUNDS)]
            [have] = native.run([optimize(graph) if passes else graph], [given], tmp_path / name)
            want = oracle.run(data, given, len(graph.outputs))
            assert want is not None, f"{name}: the reference refuses it"
            for number, (expected, found) in enumerate(zip(want, have, strict=True)):
                for output, (a, b) in enumerate(zip(expected, found, strict=True)):
                    assert np.array_equal(a, b), f"{name}: sample {number}, output {output}"
            assert len(np.unique(np.concatenate([y.reshape(-1) for sample in want for y in sample]))) > 8
    finally:
        oracle.close()


def test_simulate_feeds_samples_in_order_with_the_state_kept(
    results: dict[str, QuantizeResult], tmp_path: Path
) -> None:
    """The same sample three times: only a state that is kept makes the outputs differ, here and in the reference."""
    (tmp_path / "sequence.tflite").write_bytes(results["sequence"].tflite)
    x = np.repeat(np.random.default_rng(3).normal(size=(1, *SHAPE)).astype(np.float32), 3, axis=0)
    np.savez(tmp_path / "x.npz", x_test=x, y_test=np.zeros(3, np.int64))
    made = generate(open_model(tmp_path / "sequence.tflite"), "qemu_mps2_an386", tmp_path / "p")
    assert made.manifest.plan.state_bytes >= 5 + 2 * 5
    report = simulate(tmp_path / "p", data=tmp_path / "x.npz", on="native", sanitize=True)
    assert (report.samples, report.mismatched_samples) == (3, 0)
    assert len(set(report.outputs)) == 3
