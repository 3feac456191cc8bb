"""Mixed precision: chosen layers in int16, bit for bit as the reference has them; the layer that loses is found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinygen.compiled import open_model
from tinygen.config import load_config
from tinygen.dataset import DataSet
from tinygen.errors import BadInput
from tinygen.frontend.importer import import_tflite
from tinygen.frontend.quantize import QuantizeResult
from tinygen.mixed import MixedOptions, _named, quantize_mixed_file
from tinygen.pipeline import generate
from tinygen.simulation import simulate

pytestmark = [pytest.mark.needs_tensorflow, pytest.mark.needs_tflm, pytest.mark.slow]

X = np.random.default_rng(0).normal(size=(60, 6, 6, 2)).astype(np.float32)
DATA = DataSet("noise", {"x_train": X, "x_test": X[:20], "y_test": np.zeros((20, 4), np.float32)})


def branches() -> Any:
    """A depthwise layer with one loud channel that nothing comes of, a residual sum and a concatenation."""
    import keras

    k = keras.layers
    keras.utils.set_random_seed(0)
    x = keras.Input((6, 6, 2))
    a = k.Conv2D(4, 3, padding="same", activation="relu", name="stem")(x)
    b = k.DepthwiseConv2D(3, padding="same", name="loud")(a)
    c = k.Conv2D(4, 1, name="point")(b)
    joined = k.Concatenate(name="both")([k.Add(name="sum")([a, c]), c])
    y = k.Dense(4, name="out")(k.Flatten(name="flat")(joined))
    model = keras.Model(x, y)
    for name, factor in (("loud", 100.0), ("point", 0.0)):
        kernel, bias = model.get_layer(name).get_weights()
        kernel[:, :, 0] *= factor
        model.get_layer(name).set_weights([kernel, bias])
    return model


def mixed(folder: Path, options: MixedOptions) -> QuantizeResult:
    branches().save(folder / "m.keras")
    return quantize_mixed_file(
        folder / "m.keras", DATA, folder / "m.tflite", options, samples=60, seed=0, progress=None
    )


@pytest.mark.needs_cc
def test_the_layer_that_loses_is_found_and_the_bits_are_the_references(tmp_path: Path) -> None:
    result = mixed(tmp_path, MixedOptions(min_snr=24.0))
    facts = result.facts
    assert facts["snr_db_int8"] < 20 and facts["snr_db"] >= 24
    assert {"loud", "point"} <= set(facts["int16_layers"]) and "stem" not in facts["int16_layers"]
    assert 0 < facts["macs_int16"] < facts["macs"] and facts["arena_bytes"] > facts["arena_bytes_int8"]
    graph = import_tflite(result.tflite, "m")
    dtypes = {op.name: graph.output(op).dtype for op in graph.ops}
    assert dtypes["stem"] == "int8" and dtypes["loud"] == dtypes["point"] == "int16"
    assert all(graph.tensors[i].dtype == "int8" for i in (*graph.inputs, *graph.outputs))
    project = generate(open_model(tmp_path / "m.tflite"), "nucleo_f446re", tmp_path / "project").written.folder
    report = simulate(project, data=DATA, on="native").json()
    assert (report["mismatched_samples"], report["samples"]) == (0, 20)
    assert report["reference"]["name"] == "tflite-micro"


def test_layers_by_name_and_refusals(tmp_path: Path) -> None:
    named = mixed(tmp_path, MixedOptions(layers=("fully_connected", "sum")))
    graph = import_tflite(named.tflite, "m")
    wide = {op.name for op in graph.ops if graph.tensors[op.inputs[0]].dtype == "int16" and op.kind != "QUANTIZE"}
    assert wide == {"fully_connected", "sum"} == set(named.facts["int16_layers"])
    read = {i for op in graph.ops for i in (*op.inputs, *op.outputs)}
    assert all(i in read for i in range(graph.file_tensors)), "nothing of the other file is left over"
    with pytest.raises(BadInput, match=r"no layer 'pint' to be of int16.*did you mean 'point'"):
        _named(graph, ("pint",))
    config = tmp_path / "tinygen.toml"
    text = 'schema = 1\n[model]\npath = "m.keras"\n[target]\nboards = ["pico"]\n[quantize]\n'
    config.write_text(text + 'precision = "mixed"\nint16_layers = ["out"]\n')
    assert load_config(config).quantize.int16_layers == ("out",)
    config.write_text(text + "min_snr = 3.0\n")
    with pytest.raises(BadInput, match='are of precision = "mixed"'):
        load_config(config)
