"""Every layer that Keras offers and int8 can express, from the file to C: each layer's bits are TFLite Micro's.

A model is a group of layers side by side, each behind an output of its own. The whole road is taken: the file checked
and loaded, quantized, rendered for a board, run on the host, every layer compared. Besides, the
int8 model must tell what the Keras model tells.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinygen.compiled import Model
from tinygen.errors import BadInput
from tinygen.frontend.importer import import_tflite
from tinygen.frontend.keras_loader import load_job
from tinygen.frontend.quantize import quantize_job
from tinygen.pipeline import render_project
from tinygen.project import TensorRecord
from tinygen.proof import simulate_project
from tinygen.simulate.inputs import generated
from tinygen.writing import write_project

pytestmark = [pytest.mark.needs_tensorflow, pytest.mark.needs_tflm, pytest.mark.needs_cc, pytest.mark.slow]

Branch = Callable[[Any, Any], Any]
IMAGE, WINDOW, VECTOR, VOLUME = (8, 8, 3), (12, 6), (10,), (4, 4, 4, 2)
SAMPLES = 40
#: Outputs of an int8 model follow the Keras model's as closely as this; int8 normalizations are the coarsest.
CORRELATION = 0.95


def activations() -> dict[str, Branch]:
    """Named, on a convolution, and as an Activation layer."""
    names = (
        "celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_tanh leaky_relu linear log_sigmoid "
        "log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign sparse_plus "
        "sparse_sigmoid squareplus tanh tanh_shrink"
    ).split()
    fused: dict[str, Branch] = {f"conv {a}": lambda k, x, a=a: k.Conv2D(4, 3, activation=a)(x) for a in names}
    return fused | {a: lambda k, x, a=a: k.Activation(a)(k.Conv2D(4, 3)(x)) for a in names[:6]}


def behind(layer: Callable[[Any], Any]) -> Branch:
    """The layer behind a convolution."""
    return lambda k, x: layer(k)(k.Conv2D(4, 3)(x))


ACTIVATION_LAYERS: dict[str, Branch] = {
    "ReLU": behind(lambda k: k.ReLU()),
    "ReLU 6": behind(lambda k: k.ReLU(6.0)),
    "ReLU 1": behind(lambda k: k.ReLU(max_value=1.0)),
    "ReLU slope": behind(lambda k: k.ReLU(negative_slope=0.1)),
    "ReLU slope and limit": behind(lambda k: k.ReLU(max_value=2.0, negative_slope=0.1)),
    "ReLU threshold": behind(lambda k: k.ReLU(threshold=0.3)),
    "LeakyReLU": behind(lambda k: k.LeakyReLU(0.2)),
    "PReLU": behind(lambda k: k.PReLU(alpha_initializer="he_normal")),
    "PReLU shared": behind(lambda k: k.PReLU(alpha_initializer="he_normal", shared_axes=[1, 2])),
    "ELU": behind(lambda k: k.ELU()),
    "ELU half": behind(lambda k: k.ELU(alpha=0.5)),
    "Softmax": behind(lambda k: k.Softmax()),
    "Softmax rows": behind(lambda k: k.Softmax(axis=1)),
    "activation as a layer": lambda k, x: k.Conv2D(4, 3, activation=k.ReLU(6.0))(x),
}

PAIR: Callable[[Any, Any], list[Any]] = lambda k, x: [k.Conv2D(3, 3)(x), k.Conv2D(3, 3)(x)]  # noqa: E731
IMAGES: dict[str, Branch] = {
    "MaxPooling2D": lambda k, x: k.MaxPooling2D(3, 2, padding="same")(x),
    "AveragePooling2D": lambda k, x: k.AveragePooling2D(3, 2, padding="same")(x),
    "GlobalMaxPooling2D": lambda k, x: k.GlobalMaxPooling2D()(x),
    "GlobalAveragePooling2D": lambda k, x: k.GlobalAveragePooling2D(keepdims=True)(x),
    "AdaptiveMaxPooling2D": lambda k, x: k.AdaptiveMaxPooling2D(2)(x),
    "AdaptiveAveragePooling2D": lambda k, x: k.AdaptiveAveragePooling2D((4, 2))(x),
    "Conv2D": lambda k, x: k.Conv2D(4, 3, strides=2, padding="same")(x),
    "Conv2D grouped": lambda k, x: k.Conv2D(6, 3, groups=3)(x),
    "Conv2D dilated": lambda k, x: k.Conv2D(4, 2, dilation_rate=2)(x),
    "Conv2DTranspose": lambda k, x: k.Conv2DTranspose(4, 3, strides=2, padding="same")(x),
    "DepthwiseConv2D": lambda k, x: k.DepthwiseConv2D(3, depth_multiplier=2, dilation_rate=2)(x),
    "SeparableConv2D": lambda k, x: k.SeparableConv2D(4, 3, depth_multiplier=2)(x),
    "SpectralNormalization": lambda k, x: k.SpectralNormalization(k.Conv2D(4, 3))(x),
    "UpSampling2D": lambda k, x: k.UpSampling2D((2, 3))(x),
    "UpSampling2D smooth": lambda k, x: k.UpSampling2D(2, interpolation="bilinear")(x),
    "ZeroPadding2D": lambda k, x: k.ZeroPadding2D(((1, 0), (2, 1)))(x),
    "Cropping2D": lambda k, x: k.Cropping2D(((1, 0), (2, 1)))(x),
    "Resizing": lambda k, x: k.Resizing(5, 6)(x),
    "Resizing nearest": lambda k, x: k.Resizing(5, 11, interpolation="nearest")(x),
    "CenterCrop": lambda k, x: k.CenterCrop(5, 6)(x),
    "Permute": lambda k, x: k.Permute((3, 1, 2))(x),
    "Reshape": lambda k, x: k.Reshape((-1, 6))(x),
    "Flatten": lambda k, x: k.Flatten(data_format="channels_first")(x),
    "BatchNormalization": lambda k, x: k.BatchNormalization()(k.Conv2D(3, 2)(x)),
    "BatchNormalization alone": lambda k, x: k.BatchNormalization()(x),
    "Rescaling": lambda k, x: k.Rescaling(0.3, offset=0.1)(k.Conv2D(3, 2)(x)),
    "Normalization": lambda k, x: k.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 3.0])(x),
    "Add": lambda k, x: k.Add()([*PAIR(k, x), *PAIR(k, x)]),
    "Subtract": lambda k, x: k.Subtract()(PAIR(k, x)),
    "Multiply": lambda k, x: k.Multiply()(PAIR(k, x)),
    "Average": lambda k, x: k.Average()(PAIR(k, x)),
    "Maximum": lambda k, x: k.Maximum()(PAIR(k, x)),
    "Minimum": lambda k, x: k.Minimum()(PAIR(k, x)),
    "Concatenate": lambda k, x: k.Concatenate()(PAIR(k, x)),
    "Concatenate twelve": lambda k, x: k.Concatenate()([y for _ in range(6) for y in PAIR(k, x)]),
    "plus": lambda k, x: k.Conv2D(3, 2)(x) + 1.0,
    "from": lambda k, x: 1.0 - k.Conv2D(3, 2)(x),
    "times": lambda k, x: 2.0 * k.Conv2D(3, 2)(x),
}

WINDOWS: dict[str, Branch] = {
    "MaxPooling1D": lambda k, x: k.MaxPooling1D(2)(x),
    "AveragePooling1D": lambda k, x: k.AveragePooling1D(3, 2, padding="same")(x),
    "GlobalMaxPooling1D": lambda k, x: k.GlobalMaxPooling1D()(x),
    "GlobalAveragePooling1D": lambda k, x: k.GlobalAveragePooling1D()(x),
    "AdaptiveAveragePooling1D": lambda k, x: k.AdaptiveAveragePooling1D(3)(x),
    "Conv1D causal": lambda k, x: k.Conv1D(4, 3, padding="causal", dilation_rate=2)(x),
    "Conv1D grouped": lambda k, x: k.Conv1D(6, 3, groups=3, strides=2)(x),
    "Conv1DTranspose": lambda k, x: k.Conv1DTranspose(4, 3, strides=2)(x),
    "DepthwiseConv1D": lambda k, x: k.DepthwiseConv1D(3, depth_multiplier=2)(x),
    "SeparableConv1D": lambda k, x: k.SeparableConv1D(4, 3)(x),
    "UpSampling1D": lambda k, x: k.UpSampling1D(3)(x),
    "ZeroPadding1D": lambda k, x: k.ZeroPadding1D((1, 2))(x),
    "Cropping1D": lambda k, x: k.Cropping1D((1, 2))(x),
    "Dense": lambda k, x: k.Dense(4, activation="relu")(x),
    "EinsumDense": lambda k, x: k.EinsumDense("abc,cde->abde", output_shape=(None, 2, 5), bias_axes="de")(x),
    "RepeatVector": lambda k, x: k.RepeatVector(3)(k.GlobalAveragePooling1D()(x)),
    "TimeDistributed": lambda k, x: k.TimeDistributed(k.Dense(4))(x),
    "TimeDistributed Conv2D": lambda k, x: k.TimeDistributed(k.Conv2D(2, 2))(k.Reshape((3, 4, 3, 2))(x)),
    "LayerNormalization": lambda k, x: k.LayerNormalization()(x),
    "GroupNormalization": lambda k, x: k.GroupNormalization(2)(k.Conv1D(4, 2)(x)),
    "UnitNormalization": lambda k, x: k.UnitNormalization()(x),
    "Dot": lambda k, x: k.Dot(2)([x, k.Dense(6)(x)]),
    "Dot normalized": lambda k, x: k.Dot(2, normalize=True)([x, k.Dense(6)(x)]),
    "Attention": lambda k, x: k.Attention()([k.Dense(6)(x), k.Dense(6)(x)]),
    "Attention by sums": lambda k, x: k.Attention(use_scale=True, score_mode="concat")([k.Dense(6)(x), x]),
    "AdditiveAttention": lambda k, x: k.AdditiveAttention()([k.Dense(6)(x), k.Dense(6)(x)]),
    "MultiHeadAttention": lambda k, x: k.MultiHeadAttention(2, 4)(x, k.Dense(6)(x)),
    "MultiHeadAttention causal": lambda k, x: k.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True),
}

RECURRENT: dict[str, Branch] = {
    "SimpleRNN": lambda k, x: k.SimpleRNN(4, unroll=True)(x),
    "GRU": lambda k, x: k.GRU(4, unroll=True, return_sequences=True)(x),
    "GRU of Keras 1": lambda k, x: k.GRU(4, unroll=True, reset_after=False)(x),
    "LSTM": lambda k, x: k.LSTM(4, unroll=True)(x),
    "Bidirectional": lambda k, x: k.Bidirectional(k.GRU(3, unroll=True, return_sequences=True))(x),
    "RNN of a cell": lambda k, x: k.RNN(k.LSTMCell(3), unroll=True)(x),
    "RNN of StackedRNNCells": lambda k, x: k.RNN(k.StackedRNNCells([k.GRUCell(4), k.LSTMCell(3)]), unroll=True)(x),
}

GONE = (
    "ActivityRegularization AlphaDropout AugMix CutMix Dropout GaussianDropout GaussianNoise Identity MixUp "
    "RandAugment RandomBrightness RandomColorDegeneration RandomColorJitter RandomContrast RandomElasticTransform "
    "RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale RandomHue RandomInvert RandomPerspective "
    "RandomPosterization RandomRotation RandomSaturation RandomSharpness RandomTranslation RandomZoom SpatialDropout2D"
).split()
BARE = (
    "ActivityRegularization AugMix CutMix Identity MixUp RandAugment RandomColorJitter RandomElasticTransform "
    "RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale RandomInvert RandomPerspective"
).split()
ARGUMENTS = {"RandomPosterization": (4,), "RandomTranslation": (0.1, 0.1), **dict.fromkeys(BARE, ())}
#: What trains and then is not there: the model is its convolutions alone.
TRAINING: dict[str, Branch] = {
    name: lambda k, x, name=name: k.Conv2D(2, 3)(getattr(k, name)(*ARGUMENTS.get(name, (0.1,)))(x)) for name in GONE
}

VOLUMES: dict[str, Branch] = {
    "GlobalMaxPooling3D": lambda k, x: k.GlobalMaxPooling3D()(x),
    "GlobalAveragePooling3D": lambda k, x: k.GlobalAveragePooling3D()(x),
    "ZeroPadding3D": lambda k, x: k.ZeroPadding3D(1)(x),
    "UpSampling3D": lambda k, x: k.UpSampling3D((1, 2, 3))(x),
    "SpatialDropout3D": lambda k, x: k.SpatialDropout3D(0.5)(k.Dense(3)(x)),
}

BLOCKS: dict[str, Branch] = {
    "residual": lambda k, x: k.ReLU()(k.Add()([x, k.BatchNormalization()(k.Conv2D(3, 3, padding="same")(x))])),
    "inception": lambda k, x: k.Concatenate()(
        [k.Conv2D(4, 1)(x), k.Conv2D(4, 3, padding="same")(x), k.MaxPooling2D(3, 1, padding="same")(x)]
    ),
    "squeeze and excite": lambda k, x: k.Multiply()(
        [x, k.Dense(3, activation="sigmoid")(k.Dense(2, activation="gelu")(k.GlobalAveragePooling2D(keepdims=True)(x)))]
    ),
}

#: Where Keras 2 has more than Keras 3, or something else.
KERAS_2: dict[str, Branch] = {
    "ThresholdedReLU": behind(lambda k: k.ThresholdedReLU(0.3)),
    "hard_sigmoid": behind(lambda k: k.Activation("hard_sigmoid")),
    "selu": behind(lambda k: k.Activation("selu")),
    "gelu": behind(lambda k: k.Activation("gelu")),
    "LocallyConnected1D": lambda k, x: k.LocallyConnected1D(2, 5)(k.Reshape((8, 24))(x)),
    "LocallyConnected2D": lambda k, x: k.LocallyConnected2D(2, 3, strides=2)(x),
    "UpSampling1D": lambda k, x: k.UpSampling1D(2)(k.Reshape((24, 8))(x)),
    "RepeatVector": lambda k, x: k.RepeatVector(3)(k.Flatten()(x)),
    "MultiHeadAttention": lambda k, x: k.MultiHeadAttention(2, 4)(*[k.Reshape((8, 24))(x)] * 2),
}

GROUPS: dict[str, tuple[tuple[int, ...], dict[str, Branch]]] = {
    "activations": (IMAGE, activations()),
    "activation layers": (IMAGE, ACTIVATION_LAYERS),
    "images": (IMAGE, IMAGES),
    "windows": (WINDOW, WINDOWS),
    "recurrent": ((3, 4), RECURRENT),
    "volumes": (VOLUME, VOLUMES),
    "blocks": (IMAGE, BLOCKS),
    "keras 2": (IMAGE, KERAS_2),
}


def saved(folder: Path, shape: tuple[int, ...], branches: dict[str, Branch], keras: Any, **given: Any) -> Any:
    """A model of the branches, saved as m.keras; no weight is left at 0 or 1, which would hide a mistake."""
    keras.utils.set_random_seed(3)
    x = keras.Input(shape, **given)
    model = keras.Model(x, [branch(keras.layers, x) for branch in branches.values()])
    random = np.random.default_rng(1)
    for weight in model.weights:
        value = np.asarray(weight)
        if value.ndim and value.dtype == np.float32 and (not value.any() or (value == 1).all()):
            weight.assign(np.abs(value + random.normal(0, 0.3, value.shape)))
    model.save(folder / "m.keras")
    return model


def quantized(folder: Path, x: Any) -> tuple[bytes, list[str]]:
    """The int8 model of m.keras, calibrated on `x`, and what was noticed."""
    request = {"path": str(folder / "m.keras"), "format": "keras", "work": str(folder)}
    loaded = load_job(request, lambda _text: None)
    np.save(folder / "x.npy", x)
    job = {"name": "m", "path": loaded["path"], "kind": "keras", "preprocess": None, "samples": str(folder / "x.npy")}
    job["precision"] = "int8"
    told = quantize_job({"models": [{**job, "out": str(folder / "m.tflite")}]}, lambda _text: None)
    return (folder / "m.tflite").read_bytes(), told["models"][0]["findings"]


def proven(folder: Path, tflite: bytes, x: Any) -> tuple[list[Any], list[str]]:
    """The outputs for `x`, real numbers, and the layers' operators; every layer's bits equal the reference's."""
    files, manifest = render_project(Model("m", tflite), "nucleo_f446re")
    write_project(files, manifest, folder / "p")
    given = manifest.model.inputs[0]
    if given.scale is not None:
        x = np.clip(np.round(x / given.scale) + (given.zero_point or 0), -128, 127)
    data = [row.astype(given.dtype).tobytes() for row in x]
    seeded = [generated(manifest.model.inputs, i) for i in range(3)]
    report = simulate_project(folder / "p", data=[*data, *seeded], on="native")
    assert (report.mismatched_samples, report.first_mismatch) == (0, None)
    outputs = real_outputs(report.outputs[: len(data)], manifest.model.outputs)
    return outputs, [layer.op for layer in manifest.plan.layers]


def real_outputs(outputs: Any, records: tuple[TensorRecord, ...]) -> list[Any]:
    found, at = [], 0
    for record in records:
        rows = np.stack([np.frombuffer(o[at : at + record.bytes], record.dtype) for o in outputs]).astype(np.float64)
        found.append((rows - (record.zero_point or 0)) * (record.scale or 1.0))
        at += record.bytes
    return found


def follows(name: str, wanted: Any, got: Any) -> None:
    wanted = np.asarray(wanted, np.float64).reshape(len(wanted), -1)
    assert wanted.shape == got.shape, name
    assert wanted.std() > 0, f"{name}: a constant output would prove nothing"
    assert np.corrcoef(wanted.reshape(-1), got.reshape(-1))[0, 1] > CORRELATION, name


@pytest.mark.parametrize("group", GROUPS)
def test_every_layer_s_bits(tmp_path: Path, group: str) -> None:
    import keras
    import tf_keras

    shape, branches = GROUPS[group]
    model = saved(tmp_path, shape, branches, tf_keras if group == "keras 2" else keras)
    x = np.random.default_rng(2).normal(0, 2, (SAMPLES, *shape)).astype(np.float32)
    tflite, findings = quantized(tmp_path, x)
    got, operators = proven(tmp_path, tflite, x[:6])
    wanted = [np.asarray(y) for y in model(x[:6], training=False)]
    assert len(got) == len(branches)
    for name, a, b in zip(branches, wanted, got, strict=True):
        follows(name, a, b)
    if group.startswith("activation"):
        assert not {"DEQUANTIZE", "EXP", "LOG", "NEG", "SQUARE"} & set(operators), "islands are tables"
    if group == "activations":
        assert operators.count("TABLE") > 12
        assert any("GELU is computed by its tanh form" in finding for finding in findings)


def test_layers_that_train_are_gone(tmp_path: Path) -> None:
    import keras

    model = saved(tmp_path, IMAGE, TRAINING, keras)
    x = np.random.default_rng(2).normal(0, 2, (SAMPLES, *IMAGE)).astype(np.float32)
    graph = import_tflite(quantized(tmp_path, x)[0], "m")
    assert [op.kind for op in graph.ops] == ["CONV_2D"] * len(model.outputs)


@pytest.mark.parametrize("given", [{"dtype": "int32"}, {}], ids=["int32", "float32"])
def test_an_embedding_takes_indices(tmp_path: Path, given: dict[str, str]) -> None:
    """More words than int8 tells apart; indices outside of them, as seeded inputs have, are held to the ends."""
    import keras

    def words(k: Any, x: Any) -> Any:
        return k.Embedding(300, 5)(x)

    model = saved(tmp_path, VECTOR, {"words": words, "mean": lambda k, x: k.Dense(3)(k.Flatten()(words(k, x)))}, keras,
                  **given)  # fmt: skip
    x = np.random.default_rng(2).integers(0, 300, (SAMPLES, *VECTOR))
    tflite, _ = quantized(tmp_path, x.astype(np.float32))
    got, operators = proven(tmp_path, tflite, x[:6])
    assert set(operators) <= {"MAXIMUM", "MINIMUM", "GATHER", "RESHAPE", "FULLY_CONNECTED", "QUANTIZE"}
    for name, a, b in zip(("words", "mean"), model(x[:6].astype(model.input.dtype)), got, strict=True):
        follows(name, a, b)


#: Layers that have no int8 form, or none that TFLite Micro runs: what is told, and the way out.
REFUSED: dict[str, tuple[tuple[int, ...], Branch, str, str]] = {
    "GRU": (WINDOW, lambda k, x: k.GRU(3, name="odd")(x), "a loop over its steps", "unroll=True"),
    "SimpleRNN": (WINDOW, lambda k, x: k.SimpleRNN(3, name="odd")(x), "a loop over its steps", "unroll=True"),
    "RNN": (WINDOW, lambda k, x: k.RNN(k.LSTMCell(3), name="odd")(x), "a loop over its steps", "unroll=True"),
    "Bidirectional": (WINDOW, lambda k, x: k.Bidirectional(k.GRU(3, name="odd"))(x), "'forward_odd'", "unroll=True"),
    "ConvLSTM2D": ((3, 5, 5, 2), lambda k, x: k.ConvLSTM2D(2, 3, name="odd")(x), "'ConvLSTM2D'", "Conv2D on single"),
    "Conv3D": (VOLUME, lambda k, x: k.Conv3D(2, 2, name="odd")(x), "'Conv3D'", "the 2D layer"),
    "Conv3DTranspose": (VOLUME, lambda k, x: k.Conv3DTranspose(2, 2, name="odd")(x), "'Conv3DTranspose'", "the 2D"),
    "MaxPooling3D": (VOLUME, lambda k, x: k.MaxPooling3D(2, name="odd")(x), "'MaxPooling3D'", "the 2D layer"),
    "AveragePooling3D": (VOLUME, lambda k, x: k.AveragePooling3D(2, name="odd")(x), "'AveragePooling3D'", "the 2D"),
    "Cropping3D": (VOLUME, lambda k, x: k.Cropping3D(1, name="odd")(x), "'Cropping3D'", "the 2D layer"),
    "AdaptiveMaxPooling2D": (
        IMAGE, lambda k, x: k.AdaptiveMaxPooling2D(3, name="odd")(x), "of [8, 8] to [3, 3]", "divides the input",
    ),
    "GroupQueryAttention": (
        WINDOW, lambda k, x: k.GroupQueryAttention(4, 4, 2, name="odd")(x, x), "'GroupQueryAttention'", "MultiHead",
    ),
    "Attention causal": (
        WINDOW, lambda k, x: k.Attention(name="odd")([x, k.Dense(6)(x)], use_causal_mask=True), "masks by adding -1e9",
        "MultiHeadAttention",
    ),
    "RMSNormalization": (WINDOW, lambda k, x: k.RMSNormalization(name="odd")(x), "'RMSNorm", "LayerNormalization"),
    "Masking": (WINDOW, lambda k, x: k.Masking(name="odd")(x), "'Masking'", "windows of one length"),
    "Lambda": (WINDOW, lambda k, x: k.Lambda(lambda y: y * 2, name="odd")(x), "is a Lambda", "Keras's own layers"),
    "Discretization": (VECTOR, lambda k, x: k.Discretization([0.0], name="odd")(x), "'Discretization'", "features"),
    "CategoryEncoding": (
        VECTOR, lambda k, x: k.CategoryEncoding(5, name="odd")(k.ReLU()(x)), "'CategoryEncoding'", "features",
    ),
    "MelSpectrogram": (
        (512,), lambda k, x: k.MelSpectrogram(64, 32, num_mel_bins=8, name="odd")(x), "'MelSpectrogram'", "spectra",
    ),
    "AutoContrast": (IMAGE, lambda k, x: k.AutoContrast(name="odd")(x), "'AutoContrast'", "before the model"),
    "sparsemax": (IMAGE, lambda k, x: k.Conv2D(3, 2, activation="sparsemax", name="odd")(x), "'sparsemax'", "softmax"),
    "UpSampling2D cubic": (
        IMAGE, lambda k, x: k.UpSampling2D(2, interpolation="bicubic", name="odd")(x), "ResizeBicubic", "bilinear",
    ),
    "TimeDistributed hard_silu": (
        WINDOW, lambda k, x: k.TimeDistributed(k.Dense(3, activation="hard_silu", name="odd"))(x), "inside of another",
        "an Activation layer behind",
    ),
    "GRU hard_sigmoid": (
        WINDOW, lambda k, x: k.GRU(3, recurrent_activation="hard_sigmoid", unroll=True, name="odd")(x),
        "hard_sigmoid is another function", "Use sigmoid",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_names_the_layer_and_the_way_out(tmp_path: Path, name: str) -> None:
    import keras

    shape, branch, told, way_out = REFUSED[name]
    saved(tmp_path, shape, {name: branch}, keras)
    x = np.random.default_rng(2).normal(0, 2, (8, *shape)).astype(np.float32)
    with pytest.raises(BadInput) as caught:
        quantized(tmp_path, x)
    assert told in caught.value.what and "odd" in caught.value.what
    assert way_out in caught.value.hint and "\n" not in caught.value.line and len(caught.value.line) < 400
