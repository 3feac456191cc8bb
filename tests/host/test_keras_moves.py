"""Keras layers that move and window data: quantized, imported, and run as C against TFLite Micro, tolerance 0."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import native
import numpy as np
import pytest
from oracle import Oracle

from tinygen.dataset import load_data
from tinygen.frontend.importer import import_tflite
from tinygen.frontend.keras_loader import load_model
from tinygen.frontend.quantize import quantize_loaded
from tinygen.passes import optimize

pytestmark = [pytest.mark.needs_tensorflow, pytest.mark.needs_tflm, pytest.mark.needs_cc, pytest.mark.slow]

SHAPE = (8, 12, 3)
ROUNDS = 4


def _unet(layers: Any, x: Any) -> Any:
    """Down and up again, by transposed convolutions, with the skip connections of a U-Net."""
    first = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    second = layers.Conv2D(6, 3, padding="same", activation="relu")(layers.MaxPooling2D()(first))
    middle = layers.Conv2D(8, 3, padding="same", activation="relu")(layers.MaxPooling2D()(second))
    up = layers.Conv2DTranspose(6, 2, strides=2, padding="same", activation="relu")(middle)
    up = layers.Conv2D(6, 3, padding="same", activation="relu")(layers.Concatenate()([up, second]))
    up = layers.Conv2DTranspose(4, 3, strides=2, padding="same")(up)
    return layers.Conv2D(2, 1, activation="sigmoid")(_transposed(layers, layers.Concatenate()([up, first])))


def _transposed(layers: Any, x: Any) -> Any:
    """Strides that differ, kernels smaller and larger than the stride, no bias, no padding."""
    x = layers.Conv2DTranspose(4, (3, 2), strides=(2, 3), padding="valid", activation="relu")(x)
    x = layers.Conv2DTranspose(3, 5, strides=1, padding="same", use_bias=False)(x)
    return layers.Conv2DTranspose(2, (1, 2), strides=(3, 2), padding="same", activation="relu6")(x)


def _upsampled(layers: Any, x: Any) -> Any:
    """Both interpolations of UpSampling2D; UpSampling1D, which the converter parts and puts together again."""
    near = layers.UpSampling2D((2, 3))(layers.Conv2D(3, 1)(x))
    smooth = layers.UpSampling2D((2, 3), interpolation="bilinear")(layers.Conv2D(3, 1)(x))
    x = layers.Add()([near, smooth])
    x = layers.Conv2D(2, 3, strides=3)(x)
    return layers.UpSampling1D(3)(layers.Reshape((3, 40))(x))


def _dilated(layers: Any, x: Any) -> Any:
    """A temporal convolutional network: causal and dilated Conv1D with residuals."""
    x = layers.Conv1D(6, 1)(layers.Reshape((32, 9))(x))
    for dilation in (1, 2, 4):
        y = layers.Conv1D(6, 3, dilation_rate=dilation, padding="causal", activation="relu")(x)
        x = layers.Add()([x, y])
    x = layers.Conv1D(5, 3, dilation_rate=3, padding="same", activation="relu")(x)
    return layers.Conv1D(4, 2, dilation_rate=5)(x)


def _moved(layers: Any, x: Any) -> Any:
    """Slices, parts, stacks, gathers, blocks, mirrors and repetitions, as keras.ops says them."""
    from keras import ops

    x = layers.Conv2D(4, 3, padding="same")(x)
    left, right = ops.split(x, 2, axis=2)
    a, b, c = ops.split(right, [1, 4], axis=2)
    x = ops.concatenate([c, ops.flip(b, axis=2), a], axis=2) + left
    x = ops.image.resize(ops.image.resize(x, (11, 7), "nearest"), (8, 6), "bilinear")
    x = ops.stack([*ops.unstack(x, axis=3), left[..., 0]], axis=3)
    x = ops.take(x, [4, 0, 0, 2], axis=3)
    x = ops.slice(x, (0, 1, 2, 0), (1, 6, 4, 4))
    x = ops.pad(x, ((0, 0), (1, 2), (0, 3), (0, 0)), mode="reflect")
    x = ops.pad(x, ((0, 0), (1, 0), (2, 0), (0, 0)), mode="symmetric")
    x = x + ops.broadcast_to(ops.mean(x, axis=(1, 2), keepdims=True), (1, 10, 9, 4))
    return layers.Conv2D(3, 2)(x)


def _recurrent(layers: Any, x: Any) -> Any:
    """A recurrent layer unrolled, backwards, over more steps than a kernel parts and packs at once."""
    steps = layers.Reshape((12, 24))(x)
    x = layers.GRU(5, unroll=True, return_sequences=True, go_backwards=True)(steps)
    return layers.Dense(3)(x)


MODELS: dict[str, tuple[Callable[[Any, Any], Any], set[str]]] = {
    "unet": (_unet, {"TRANSPOSE_CONV"}),
    "upsampled": (_upsampled, {"RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR"}),
    "dilated": (_dilated, {"CONV_2D"}),
    "recurrent": (_recurrent, {"UNPACK", "PACK", "SPLIT"}),
    "moved": (_moved, set("SPLIT SPLIT_V PACK UNPACK SLICE GATHER REVERSE_V2 MIRROR_PAD RESIZE_BILINEAR".split())),
}


def _save(name: str, folder: Path) -> Path:
    import keras

    keras.utils.set_random_seed(len(name))
    x = keras.Input(SHAPE, batch_size=1)
    model = keras.Model(x, MODELS[name][0](keras.layers, x))
    if name == "moved":  # keras.ops are no layers of a .keras file that tinygen loads
        model.export(folder / name, verbose=False)
        return folder / name
    model.save(folder / f"{name}.keras")
    return folder / f"{name}.keras"


def test_models_compute_the_same_bits(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    np.savez(tmp_path / "d.npz", x_train=generator.normal(size=(24, *SHAPE)).astype(np.float32))
    models = [load_model(_save(name, tmp_path), tmp_path) for name in MODELS]
    results = quantize_loaded(models, load_data(tmp_path / "d.npz"))
    graphs = [import_tflite(result.tflite, name) for name, result in zip(MODELS, results)]
    for graph, (_, wanted) in zip(graphs, MODELS.values()):
        assert wanted <= {op.kind for op in graph.ops}, f"{graph.name}: {sorted({op.kind for op in graph.ops})}"
    graphs = [optimize(graph) for graph in graphs]
    samples = [[[generator.integers(-128, 128, (1, *SHAPE), dtype=np.int8)] for _ in range(ROUNDS)] for _ in graphs]
    got = native.run(graphs, samples, tmp_path / "c")
    oracle = Oracle()
    try:
        for graph, result, given, have in zip(graphs, results, samples, got):
            want = oracle.run(result.tflite, given)
            assert want is not None, f"{graph.name}: the reference refuses it"
            for (expected,), (found,) in zip(want, have):
                assert len(np.unique(expected)) > 8, f"{graph.name}: an output that tells nothing"
                assert np.array_equal(expected, found), graph.name
    finally:
        oracle.close()
