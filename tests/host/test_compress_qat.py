"""Quantization-aware training: its ranges are the .tflite's, and zeros and shared values outlive it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import digits_compression as digits
import numpy as np
import pytest

from tinygen.compress import qat
from tinygen.compress.registry import technique
from tinygen.compress.runner import run_recipe
from tinygen.compress.training import TrainingData
from tinygen.config import Step
from tinygen.dataset import DataSet
from tinygen.errors import BadInput
from tinygen.frontend.keras_classes import check_config
from tinygen.frontend.keras_loader import load_job
from tinygen.model_file import LoadedModel

pytestmark = [pytest.mark.needs_tensorflow, pytest.mark.slow]


def lossy() -> Any:
    """The trained model with second's channels a hundredfold and hundredfold less: what int8 is bad at."""
    import tf_keras

    made = tf_keras.models.clone_model(digits.teacher())
    made.set_weights(digits.teacher().get_weights())
    kernel, bias = made.get_layer("second").get_weights()
    last, rest = made.get_layer("last").get_weights()
    factor = np.array([100, 1, 1, 1, 1, 1, 1, 1], np.float32)
    made.get_layer("second").set_weights([kernel * factor, bias * factor])
    made.get_layer("last").set_weights([(last.reshape(-1, 8, 10) / factor[:, None]).reshape(last.shape), rest])
    return made


def test_int8_is_better_than_without(tmp_path: Path) -> None:
    start = lossy()
    before = digits.run(digits.quantized(start, tmp_path))
    made, facts = digits.apply("qat", start, epochs=10, learning_rate=1e-3)
    after = digits.run(digits.quantized(made, tmp_path))
    assert digits.accuracy(start) > before + 0.05, "a model that loses in int8"
    assert facts["ranges"] == "learned" and facts["not_aware_layers"] == []
    assert after > before + 0.02
    assert abs(after - digits.accuracy(made)) < 0.02, "the row's accuracy is that of simulated int8"


@cache
def aware() -> tuple[Any, dict[str, Any]]:
    return digits.apply("qat", digits.teacher(), epochs=1)


def test_the_ranges_learned_are_those_of_the_tflite(tmp_path: Path) -> None:
    made, facts = aware()
    result = digits.quantized(made, tmp_path)
    assert "learned" in result.findings[0]
    assert result.preprocess is not None and result.preprocess.std == (16.0,)
    tensors = digits.tensors(result.tflite)
    assert {t["dtype"] for t in tensors} <= {np.int8, np.int32}
    found = {t["quantization"][0] for t in tensors if t["dtype"] == np.int8 and t["data"] is None}
    wanted = {(high - low) / 255 for low, high in facts["activation_ranges"].values()}
    assert len(wanted) >= 6
    assert all(any(abs(scale / w - 1) < 0.01 for scale in found) for w in wanted)
    plain = {t["quantization"][0] for t in digits.tensors(digits.quantized(digits.teacher(), tmp_path).tflite)}
    assert sum(any(abs(scale / w - 1) < 1e-5 for scale in plain) for w in wanted) <= 2, "calibration finds others"


def pruned_and_clustered() -> Any:
    """The trained model with four fifths of its large kernels zero and eight values in each."""
    import tf_keras

    made = tf_keras.models.clone_model(digits.teacher())
    made.set_weights(digits.teacher().get_weights())
    for weight in made.trainable_weights:
        if weight.shape.rank >= 2 and "depth" not in weight.name:
            value = weight.numpy()
            value[np.abs(value) < np.quantile(np.abs(value), 0.5)] = 0
            steps = np.quantile(value[value != 0], np.linspace(0.05, 0.95, 7))
            nearest = steps[np.abs(value[..., None] - steps).argmin(axis=-1)]
            weight.assign(np.where(value == 0, 0, nearest))
    return made


@pytest.mark.parametrize("preserve", ["sparsity", "clusters", "both"])
def test_what_is_preserved(tmp_path: Path, preserve: str) -> None:
    start = pruned_and_clustered()
    before = {name: k for name, k in digits.kernels(start).items() if "depth" not in name}
    made, facts = digits.apply("qat", start, epochs=1, learning_rate=3e-3, preserve=preserve)
    after = {name: digits.kernels(made)[name] for name in before}
    zeros, values = preserve in ("sparsity", "both"), preserve in ("clusters", "both")
    for name, kernel in before.items():
        assert not np.array_equal(after[name], kernel), "it has trained"
        assert np.array_equal(after[name] == 0, kernel == 0) == zeros, name
        assert (len(np.unique(after[name])) <= 8) == values, name
    assert (facts["zeros"] == facts["zeros_before"]) == zeros
    constants = [t["data"] for t in digits.tensors(digits.quantized(made, tmp_path).tflite) if t["data"] is not None]
    large = [data for data in constants if data.dtype == np.int8 and data.size >= 72 and data.shape[0] > 1]
    assert len(large) == 3
    if zeros:
        assert all((data == 0).mean() >= 0.49 for data in large)
    if values:
        assert set(facts["clusters"].values()) <= {7, 8} and len(facts["clusters"]) == 3
        counts = sorted(len(np.unique(data)) for data in large)
        assert counts[1] <= 8, "one scale a layer keeps equal weights equal"
        assert all(len(np.unique(channel)) <= 8 for data in large for channel in data), "those that take a norm in too"


def test_one_axis_and_nested_models(tmp_path: Path) -> None:
    """Conv1D has no form in tfmot: the same layers over two axes do, and compute the same before any training."""
    import tf_keras

    from tinygen.compress._lift import lift

    tf_keras.utils.set_random_seed(0)
    k = tf_keras.layers
    inputs = tf_keras.Input((16, 4))
    x = k.BatchNormalization()(k.Conv1D(6, 3, strides=2, padding="same", use_bias=False)(inputs))
    x = k.ReLU()(x)
    y = k.SeparableConv1D(6, 3, padding="same", dilation_rate=2, activation="relu")(x)
    x = k.Concatenate()([k.MaxPooling1D(2)(k.Add()([x, y])), k.AveragePooling1D(2)(y)])
    inner = [tf_keras.Input((4, 12)), k.ZeroPadding1D(1), k.DepthwiseConv1D(3, depth_multiplier=2), k.ReLU()]
    x = tf_keras.Sequential(inner)(x)
    outputs = k.Dense(10, activation="softmax")(k.GlobalAveragePooling1D()(x))
    start = tf_keras.Model(inputs, outputs)
    data = np.random.default_rng(0).normal(size=(200, 16, 4)).astype(np.float32)
    lifted = lift(start)
    assert not any("1D" in type(layer).__name__ for layer in lifted.layers)
    assert np.allclose(lifted.predict(data, verbose=0), start.predict(data, verbose=0), atol=1e-6)
    labels = TrainingData(data, np.arange(200) % 10, data[:0], np.arange(0))
    made, facts = qat.apply(start, labels, qat.Settings(epochs=1), digits.context(start))
    assert facts["not_aware_layers"] == [] and facts["ranges"] == "learned"
    result = digits.quantized(made, tmp_path, samples=data)
    assert {t["dtype"] for t in digits.tensors(result.tflite)} <= {np.int8, np.int32}


def test_a_layer_that_cannot_be_annotated(tmp_path: Path) -> None:
    import tf_keras

    tf_keras.utils.set_random_seed(0)
    k = tf_keras.layers
    stack = [k.Conv2D(4, 3, activation="relu"), k.PReLU(name="odd"), k.Flatten(), k.Dense(10, activation="softmax")]
    start = tf_keras.Sequential([tf_keras.Input((8, 8, 1)), *stack])
    made, facts = digits.apply("qat", start, epochs=1)
    assert facts["not_aware_layers"] == ["odd"] and facts["ranges"] == "calibrated"
    assert type(made.layers[1]).__name__ == "Conv2D" and digits.accuracy(made) > digits.accuracy(start)
    result = digits.quantized(made, tmp_path)
    assert result.findings[0].startswith("Calibrated")


def test_same_seed_same_weights() -> None:
    again, _ = digits.apply("qat", digits.teacher(), epochs=1)
    pairs = list(zip(aware()[0].get_weights(), again.get_weights(), strict=True))
    assert all(np.array_equal(one, two) for one, two in pairs)


def test_it_has_to_be_the_last_step(tmp_path: Path) -> None:
    made, _ = aware()
    made.save(tmp_path / "aware.h5", include_optimizer=False, save_format="h5")
    told = load_job({"path": str(tmp_path / "aware.h5"), "format": "h5", "work": str(tmp_path)}, lambda _: None)
    assert told["parameters"] == digits.teacher().count_params(), "ranges are no parameters"
    loaded = LoadedModel(**told)
    data = DataSet("digits", digits.arrays())

    def steps(*names: str) -> list[Step]:
        return [Step(technique=n, options=technique(n).options.model_validate({"epochs": 1})) for n in names]

    def refused(*names: str) -> str:
        with pytest.raises(BadInput) as caught:
            run_recipe(loaded, data, steps(*names), tmp_path, load=lambda path: loaded)
        return caught.value.line

    assert "compress.1: 'finetune' after 'qat', which has to be the last step" in refused("qat", "finetune")
    assert "was trained quantization-aware" in refused("finetune")
    with pytest.raises(BadInput, match="its ranges are none of int16x8"):
        digits.quantized(made, tmp_path, precision="int16x8")


def test_what_a_wrapped_model_may_name() -> None:
    """The file of such a model is held to a list like any other: no attribute but weights, no class of anybody's."""
    config = {"class_name": "Functional", "config": json.loads(aware()[0].to_json())["config"]}
    check_config(config, "m.h5")
    text = json.dumps(config)
    assert '"weight_attrs": ["kernel"]' in text and '"class_name": "NoOpQuantizeConfig"' in text
    for wrong in (
        text.replace('"weight_attrs": ["kernel"]', '"weight_attrs": ["__class__"]'),
        text.replace('"class_name": "NoOpQuantizeConfig"', '"class_name": "OwnQuantizeConfig"'),
    ):
        with pytest.raises(BadInput, match="which tinygen does not load"):
            check_config(json.loads(wrong), "m.h5")


def test_nothing_to_preserve_is_refused() -> None:
    with pytest.raises(BadInput, match=r"no kernel has shared values.*channel_gains = false"):
        digits.apply("qat", digits.teacher(), epochs=1, preserve="clusters")
