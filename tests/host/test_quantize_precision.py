"""Other precisions than int8: int16x8 runs on the board bit for bit, dynamic range stays with TensorFlow Lite."""

from __future__ import annotations

from pathlib import Path

import digits_compression as digits
import numpy as np
import pytest
from typer.testing import CliRunner

from tinygen.cli import app
from tinygen.compiled import open_model
from tinygen.config import load_config
from tinygen.dataset import DataSet
from tinygen.errors import BadInput
from tinygen.pipeline import generate
from tinygen.simulation import simulate

pytestmark = [pytest.mark.needs_tensorflow, pytest.mark.slow]


@pytest.mark.needs_tflm
@pytest.mark.needs_cc
def test_int16x8_digits_in_the_simulator(tmp_path: Path) -> None:
    result, path = digits.quantized(digits.teacher(), tmp_path, precision="int16x8"), tmp_path / "digits.tflite"
    dtypes = {t["dtype"] for t in digits.tensors(result.tflite) if t["data"] is None}
    assert dtypes == {np.int16}, "every activation"
    data = DataSet("digits", {k: v[:50] for k, v in digits.arrays().items()})
    project = generate(open_model(path), "nucleo_f446re", tmp_path / "project").written.folder
    report = simulate(project, data=data, on="native").json()
    assert (report["mismatched_samples"], report["samples"]) == (0, 50)
    assert report["reference"]["name"] == "tflite-micro"
    assert report["metric"]["value"] > digits.accuracy(digits.teacher()) - 0.05
    narrow = digits.run(digits.quantized(digits.teacher(), tmp_path, "narrow"))
    assert digits.run(result) >= narrow - 0.005


def test_dynamic_range_is_for_the_file_alone(tmp_path: Path) -> None:
    larger, _ = digits.apply("finetune", digits.model(filters=24), epochs=3, learning_rate=5e-3)
    result, path = digits.quantized(larger, tmp_path, precision="dynamic"), tmp_path / "digits.tflite"
    assert "`tinygen generate` makes no firmware of it" in result.findings[0]
    tensors = digits.tensors(result.tflite)
    assert any(t["dtype"] == np.int8 and t["data"] is not None for t in tensors), "weights of int8"
    assert digits.accuracy(larger) > 0.7
    assert abs(digits.run(result) - digits.accuracy(larger)) < 0.02, "it takes pixels as they are"
    with pytest.raises(BadInput, match="float32"):
        generate(open_model(path), "nucleo_f446re", tmp_path / "project")


def test_the_option_and_the_key(tmp_path: Path) -> None:
    arguments = ["quantize", "m.keras", "--data", "d.npz", "--precision", "int16", "-o", "m.tflite"]
    done = CliRunner().invoke(app, arguments)
    assert isinstance(done.exception, BadInput) and "did you mean 'int16x8'" in done.exception.line
    config = tmp_path / "tinygen.toml"
    text = 'schema = 1\n[model]\npath = "m.keras"\n[quantize]\nprecision = "{}"\n[target]\nboards = ["nucleo_f446re"]\n'
    config.write_text(text.format("int16x8"))
    assert load_config(config).quantize.precision == "int16x8"
    config.write_text(text.format("dynamic"))
    with pytest.raises(BadInput, match=r"quantize\.precision: Input should be 'int8', 'int16x8' or 'mixed'"):
        load_config(config)
