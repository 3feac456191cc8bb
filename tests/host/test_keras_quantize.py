"""Keras to int8: a batch of 1, int8 at both ends, preprocessing kept, the same bytes twice, run by TFLite Micro."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinygen.errors import BadInput
from tinygen.frontend.quantize import QuantizeResult, quantize_model
from tinygen.preprocess import dequantize, quantize_input

pytestmark = [pytest.mark.needs_tensorflow, pytest.mark.needs_tflm, pytest.mark.slow]


def operators(tflite: bytes) -> list[str]:
    import tensorflow as tf

    interpreter = tf.lite.Interpreter(
        model_content=tflite, experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF
    )
    return [details["op_name"] for details in interpreter._get_ops_details() if details["op_name"] != "DELEGATE"]


class Firmware:
    """The int8 model in TFLite Micro, fed with real inputs as the firmware would be."""

    def __init__(self, result: QuantizeResult) -> None:
        from tflite_micro.python.tflite_micro import runtime

        self.interpreter = runtime.Interpreter.from_bytes(result.tflite)
        self.preprocess = result.preprocess
        self.given, self.got = self.interpreter.get_input_details(0), self.interpreter.get_output_details(0)

    def __call__(self, x: Any) -> Any:
        scale, zero_point = (self.given["quantization_parameters"][k][0] for k in ("scales", "zero_points"))
        outputs = []
        for sample in quantize_input(x, self.preprocess, float(scale), int(zero_point)):
            self.interpreter.set_input(sample.reshape(self.given["shape"]), 0)
            self.interpreter.invoke()
            outputs.append(self.interpreter.get_output(0)[0])
        scale, zero_point = (self.got["quantization_parameters"][k][0] for k in ("scales", "zero_points"))
        return dequantize(np.array(outputs), float(scale), int(zero_point))


def saved(tmp_path: Path, *stack: Any, shape: tuple[int, ...]) -> tuple[Path, Any]:
    import keras

    keras.utils.set_random_seed(5)
    model = keras.Sequential([keras.Input(shape), *stack])
    model.save(tmp_path / "m.keras")
    return tmp_path / "m.keras", model


def agrees(result: QuantizeResult, model: Any, x: Any, raw: Any) -> None:
    """The int8 model's outputs on `raw` are near the float model's on `x`, and far from constant."""
    firmware = Firmware(result)
    wanted = np.asarray(model(x))
    step = float(firmware.got["quantization_parameters"]["scales"][0])
    assert wanted.std() > 5 * step, "the outputs would not tell a wrong input from a right one"
    assert np.abs(firmware(raw) - wanted).mean() < 4 * step


def test_rescaling_is_folded_into_the_weights(tmp_path: Path) -> None:
    from keras import layers

    path, model = saved(
        tmp_path,
        layers.Rescaling(1 / 255),
        layers.ZeroPadding2D(1),
        layers.Conv2D(6, 3, padding="same", activation="relu"),
        layers.Flatten(),
        layers.Dense(5),
        shape=(8, 8, 1),
    )
    x = np.random.default_rng(0).uniform(0, 255, (60, 8, 8)).astype(np.float32)
    np.savez(tmp_path / "d.npz", x_train=x)
    result = quantize_model(path, tmp_path / "d.npz", tmp_path / "o.tflite", samples=40)
    assert result.preprocess is None and (tmp_path / "o.tflite").read_bytes() == result.tflite
    assert 0.9 < Firmware(result).given["quantization_parameters"]["scales"][0] < 1.1, "the input is in pixels"
    assert not set(operators(result.tflite)) & {"MUL", "SHAPE", "PACK", "STRIDED_SLICE", "QUANTIZE"}
    agrees(result, model, x[..., None], x[..., None])
    again = quantize_model(path, tmp_path / "d.npz", samples=40)
    other = quantize_model(path, tmp_path / "d.npz", samples=5, seed=1)
    assert again.tflite == result.tflite != other.tflite
    assert any("Only 5 samples" in finding for finding in other.findings)


def test_mean_std_and_layers_are_composed(tmp_path: Path) -> None:
    from keras import layers

    random = np.random.default_rng(1)
    raw = random.normal((5, -3, 40), (2, 7, 0.5), (80, 16, 3)).astype(np.float32)
    mean, std = (4.0, -2.0, 30.0), (2.0, 5.0, 10.0)
    x = (raw - np.float32(mean)) / np.float32(std)
    normalization = layers.Normalization()
    normalization.adapt(x)
    path, model = saved(
        tmp_path,
        normalization,
        layers.Rescaling(0.5, offset=0.25),
        layers.Conv1D(4, 3, activation="relu6"),
        layers.Flatten(),
        layers.Dense(3),
        shape=(16, 3),
    )
    np.savez(tmp_path / "d.npz", x_train=raw)
    result = quantize_model(path, tmp_path / "d.npz", mean=mean, std=std)
    assert result.preprocess is not None and len(result.preprocess.std) == 3
    np.testing.assert_allclose(result.preprocess.mean, (raw.mean((0, 1)) - 0.5 * raw.std((0, 1))), rtol=1e-3)
    np.testing.assert_allclose(result.preprocess.std, 2 * raw.std((0, 1)), rtol=1e-3)
    assert not set(operators(result.tflite)) & {"MUL", "ADD", "SUB"}
    agrees(result, model, x, raw)


def test_a_mean_is_not_folded_where_padding_would_change(tmp_path: Path) -> None:
    from keras import layers

    stack = [
        layers.Rescaling(1 / 16, offset=-0.5),
        layers.Conv2D(4, 3, padding="same"),
        layers.Flatten(),
        layers.Dense(3),
    ]
    path, model = saved(tmp_path, *stack, shape=(8, 8, 1))
    x = np.random.default_rng(0).uniform(0, 16, (50, 8, 8, 1)).astype(np.float32)
    np.savez(tmp_path / "d.npz", x_train=x)
    result = quantize_model(path, tmp_path / "d.npz")
    assert result.preprocess is not None
    assert (result.preprocess.mean, result.preprocess.std) == ((8.0,), (16.0,))
    agrees(result, model, x, x)


def test_a_layer_whose_input_is_used_twice_stays_in_the_model(tmp_path: Path) -> None:
    import keras

    keras.utils.set_random_seed(2)
    x = keras.Input((6,))
    y = keras.layers.Concatenate()([keras.layers.Rescaling(2.0)(x), x])
    model = keras.Model(x, keras.layers.Dense(3)(y))
    model.save(tmp_path / "m.keras")
    data = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)
    np.savez(tmp_path / "d.npz", x_train=data)
    result = quantize_model(tmp_path / "m.keras", tmp_path / "d.npz", std=(1.0,))
    assert result.preprocess is None
    agrees(result, model, data, data)
    with_std = quantize_model(tmp_path / "m.keras", tmp_path / "d.npz", std=(4.0,))
    assert with_std.preprocess is not None, "the factor cannot move into one layer of two"
    agrees(with_std, model, data / 4, data)


def test_saved_model_without_keras_metadata(tmp_path: Path) -> None:
    from keras import layers

    _, model = saved(tmp_path, layers.Conv1D(4, 3, activation="relu"), layers.Flatten(), layers.Dense(3), shape=(9, 2))
    model.export(tmp_path / "saved", verbose=False)
    data = np.random.default_rng(0).normal(size=(50, 9, 2)).astype(np.float32)
    np.savez(tmp_path / "d.npz", x_train=data * 3)
    result = quantize_model(tmp_path / "saved", tmp_path / "d.npz", std=(3.0,))
    assert not set(operators(result.tflite)) & {"SHAPE", "PACK", "STRIDED_SLICE"}
    assert any("not compressed" in finding for finding in result.findings)
    agrees(result, model, data, data * 3)


@pytest.mark.needs_models
@pytest.mark.parametrize("name", ["ad01.h5", "ic_resnet8.h5", "vww_96.h5"])
def test_real_models(model_path: Callable[[str], Path], tmp_path: Path, name: str) -> None:
    import tf_keras

    path = model_path(name)
    model = tf_keras.models.load_model(path, compile=False)
    x = np.random.default_rng(4).uniform(0, 1, (6, *model.input_shape[1:])).astype(np.float32)
    np.savez(tmp_path / "d.npz", x_train=x)
    result = quantize_model(path, tmp_path / "d.npz", samples=6)
    assert not set(operators(result.tflite)) & {"SHAPE", "PACK", "STRIDED_SLICE", "QUANTIZE", "DEQUANTIZE"}
    wanted, got = np.asarray(model(x)), Firmware(result)(x)
    assert np.abs(got - wanted).mean() < 0.1 * np.abs(wanted).max()


@pytest.mark.parametrize(
    ("shape", "samples", "told"),
    [((4, 9, 3), 5, "have the shape [9, 3], the model wants [9, 2]"), ((4, 9, 2), 0, "0 representative")],
)
def test_data_that_does_not_fit(tmp_path: Path, shape: tuple[int, ...], samples: int, told: str) -> None:
    from keras import layers

    path, _ = saved(tmp_path, layers.Flatten(), layers.Dense(3), shape=(9, 2))
    np.savez(tmp_path / "d.npz", x_train=np.ones(shape))
    with pytest.raises(BadInput) as caught:
        quantize_model(path, tmp_path / "d.npz", tmp_path / "o.tflite", samples=samples)
    assert told in caught.value.line and not (tmp_path / "o.tflite").exists()


def test_what_has_no_int8_form_is_named(tmp_path: Path) -> None:
    import tensorflow as tf

    class Erf(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, 9), tf.float32)])
        def __call__(self, x: Any) -> Any:
            return {"y": tf.math.erf(x)}

    model = Erf()
    tf.saved_model.save(model, str(tmp_path / "erf"), signatures=model.__call__)
    np.savez(tmp_path / "d.npz", x_train=np.random.default_rng(0).normal(size=(40, 9)))
    with pytest.raises(BadInput) as caught:
        quantize_model(tmp_path / "erf", tmp_path / "d.npz")
    assert "cannot convert the operators Erf to int8" in caught.value.line
    assert "\n" not in caught.value.line and len(caught.value.line) < 300
