"""A product-quantized layer has its few sub-vectors in the int8 model that the firmware stores; they fit the data."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from digits_training import accuracy, apply, digits, trained

from tinygen.compress._codebook_layers import take_back, with_codebooks
from tinygen.compress._codebooks import codebooks
from tinygen.compress._kernels import copied
from tinygen.errors import BadInput
from tinygen.frontend.convert import convert
from tinygen.frontend.importer import import_tflite
from tinygen.ops.lowering import lower, saved_bytes

pytestmark = [pytest.mark.needs_tensorflow, pytest.mark.slow]


def untrained() -> Any:
    """A layer of 96 outputs with a batch normalization behind, one of 64, and one too small to gain."""
    import tf_keras

    tf_keras.utils.set_random_seed(1)
    k = tf_keras.layers
    stack = [
        k.Flatten(), k.Dense(96, use_bias=False, name="first"), k.BatchNormalization(momentum=0.9, name="norm"),
        k.ReLU(), k.Dense(64, activation="relu", name="second"), k.Dense(10, name="output"),
    ]  # fmt: skip
    return tf_keras.Sequential([tf_keras.Input((8, 8, 1)), *stack])


@cache
def teacher() -> Any:
    """Trained; scales of the batch normalization are negative in part."""
    model = untrained()
    model.get_layer("norm").gamma.assign(np.where(np.arange(96) % 3 == 0, -1.0, 1.0))
    return trained(model, 12)


def stored(model: Any) -> Any:
    """The graph of the model as tinygen converts it."""
    tflite, _ = convert(lambda x: model(x, training=False), model, (1, 8, 8, 1), digits()[0].x[:30], "digits")
    return import_tflite(tflite, "digits")


def most_sub_vectors(weights: Any, length: int, share: int) -> int:
    """The most different ones that a codebook for `share` subspaces would need; weights are [outputs, inputs]."""
    spaces = weights.reshape(len(weights), -1, length).transpose(1, 0, 2)
    return max(len(np.unique(spaces[i : i + share].reshape(-1, length), axis=0)) for i in range(0, len(spaces), share))


@pytest.mark.parametrize(("length", "codewords", "share"), [(4, 16, 4), (8, 12, 1), (4, 100, 0)])
def test_few_sub_vectors_in_the_int8_model(length: int, codewords: int, share: int) -> None:
    """Through the converter, with a scale a channel, and in the bytes that the facts say."""
    before = [w.copy() for w in teacher().get_weights()]
    options = {"length": length, "codewords": codewords, "share": share, "skip": ["output"], "epochs": 3}
    model, facts = apply("product_quantize", teacher(), **options)
    assert all((a == b).all() for a, b in zip(before, teacher().get_weights(), strict=True)), "the teacher stays"
    assert list(facts["layers"]) == ["first", "second"] and facts["left"] == ["output"]
    graph = stored(model)
    layers = [layer for layer in lower(graph, frozenset(), "size") if layer.op.kind == "FULLY_CONNECTED"]
    for layer, fact in zip(layers, facts["layers"].values(), strict=False):
        w = graph.input(layer.op, 1)
        assert w.quant is not None and len(set(w.quant.scales)) > 30, "each channel has its own"
        found = most_sub_vectors(w.data, length, share or w.shape[1] // length)
        assert codewords // 2 < found == fact["codewords"] <= codewords
        assert layer.kernel_name == ("matmul_product_s8" if codewords <= 16 else "matmul_product8_s8")
        assert w.nbytes - saved_bytes(layer, graph) == fact["bytes"] <= 0.6 * fact["dense_bytes"]
        assert fact["error"] > 0.1 and fact["dense_bytes"] == w.nbytes
    assert accuracy(model) > accuracy(teacher()) - 0.05
    assert most_sub_vectors(graph.input(layers[2].op, 1).data, 2, 1) > 5, "the output is as it was"


def test_what_data_and_training_are_good_for() -> None:
    """Error correction and training each make held-out digits more often right; the same seed gives the same model."""
    options = {"length": 8, "share": 2, "skip": ["output"]}
    plain, told = apply("product_quantize", teacher(), **options, error_correction=False, epochs=0)
    fitted, corrected = apply("product_quantize", teacher(), **options, epochs=0)
    for name, fact in corrected["layers"].items():
        assert fact["response_error"] < 0.8 * told["layers"][name]["response_error"]
        assert fact["error"] > told["layers"][name]["error"], "the weights themselves are further off"
    tuned, _ = apply("product_quantize", teacher(), **options, epochs=6)
    assert accuracy(plain) + 0.03 < accuracy(fitted) < accuracy(tuned)
    again, _ = apply("product_quantize", teacher(), **options, epochs=6)
    assert all((a == b).all() for a, b in zip(tuned.get_weights(), again.get_weights(), strict=True))


def test_a_codeword_s_gradient_is_that_of_all_that_share_it() -> None:
    import tensorflow as tf

    model = copied(teacher())
    layer = model.get_layer("second")
    made = codebooks(layer.kernel.numpy().astype(np.float64), 4, 16, 4, None, 0)
    layer.kernel.assign(made.kernel)
    wrapped, replaced = with_codebooks(model, {"second": made})
    x, wanted = digits()[0].x[:20], tf.one_hot(digits()[0].y[:20], 10)
    slopes = []
    for m, variable in ((model, layer.kernel), (wrapped, replaced["second"].books)):
        with tf.GradientTape() as tape:
            lost = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(wanted, m(x, training=False)))
        slopes.append(tape.gradient(lost, variable).numpy())
    sub_vectors = (slopes[0] * made.gains).reshape(24, 4, 64)
    summed = np.zeros(made.books.shape)
    for s in range(24):
        np.add.at(summed[s // 4], made.codes[s], sub_vectors[s].T)
    summed[made.ends] = 0
    assert made.ends.any() and np.abs(summed).max() > 1e-4
    np.testing.assert_allclose(slopes[1], summed, atol=1e-6)
    take_back(replaced["second"], layer, made)
    np.testing.assert_allclose(made.kernel, layer.kernel, atol=1e-6)


def test_zeros_of_outputs_and_of_other_layers_stay() -> None:
    model = copied(teacher())
    zeros = {"first": np.arange(64 * 96).reshape(64, 96) % 3 == 0, "second": np.tile(np.arange(64) % 8 == 0, (96, 1))}
    for name, where in zeros.items():
        kernel = model.get_layer(name).kernel
        kernel.assign(np.where(where, 0, kernel))
    made, facts = apply("product_quantize", model, skip=["first", "output"], epochs=2)
    for name, where in zeros.items():
        kernel = made.get_layer(name).kernel.numpy()
        assert not kernel[where].any() and (kernel != 0).mean() > 0.6
    assert (made.get_layer("output").kernel.numpy() != model.get_layer("output").kernel.numpy()).any()
    graph = stored(made)
    assert most_sub_vectors(graph.input(lower(graph, frozenset())[2].op, 1).data, 4, 4) <= 16
    assert facts["layers"]["second"]["codewords"] <= 16


def test_the_rest_may_stay_as_it_is() -> None:
    made, _ = apply("product_quantize", teacher(), skip=["first", "output"], epochs=1, others=False)
    fixed, _ = apply("product_quantize", teacher(), skip=["first", "output"], epochs=0)
    for layer in made.layers:
        same = [(a == b).all() for a, b in zip(layer.get_weights(), fixed.get_layer(layer.name).get_weights())]
        assert not any(same) if layer.name == "second" else all(same)
        assert layer.trainable, "as before"


def test_codebooks_that_are_there_are_found() -> None:
    """And each output uses a codeword with an entry at -1 or 1, wherever codewords lie."""
    random = np.random.default_rng(0)
    books = random.normal(size=(6, 8, 4)) / 4
    books[0, :, 0] = 1
    codes = random.integers(0, 8, (6, 40))
    kernel = books[np.arange(6)[:, None], codes].transpose(0, 2, 1).reshape(24, 40) * 0.3
    made = codebooks(kernel, 4, 8, 1, None, 0)
    np.testing.assert_allclose(made.kernel, kernel, atol=1e-9)
    loose = codebooks(random.normal(size=(24, 40)), 4, 8, 2, None, 0)
    assert (np.abs(loose.sub_vectors).max(axis=0) == 1).all() and np.abs(loose.books).max() == 1
    assert (np.abs(loose.books[loose.ends]) == 1).all() and loose.ends.sum() < 24


def test_which_layers_are_taken() -> None:
    """A length that divides, and a quarter to be saved."""
    import tf_keras

    k = tf_keras.layers
    stack = [k.Flatten(), k.Dense(63, name="a"), k.Dense(61, name="b"), k.Dense(60, name="c"), k.Dense(40, name="d")]
    model = tf_keras.Sequential([tf_keras.Input((8, 8, 1)), *stack, k.Dense(10, name="output")])
    _, facts = apply("product_quantize", model, epochs=0, skip=["d"])
    assert {name: fact["length"] for name, fact in facts["layers"].items()} == {"a": 4, "b": 3}
    assert facts["left"] == ["c", "d", "output"], "61 inputs are cut by nothing; the last is small"
    with pytest.raises(BadInput, match="no Dense layer becomes smaller"):
        apply("product_quantize", model, epochs=0, min_weights=10_000)
    with pytest.raises(BadInput, match=r"product_quantize\.skip: the model has no layer 'e'"):
        apply("product_quantize", model, epochs=0, skip=["e"])
