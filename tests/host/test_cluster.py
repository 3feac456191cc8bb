"""A clustered layer has its few values in the int8 model that the firmware stores, and they are well chosen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from digits_training import accuracy, apply, context, conv_model, dense_model, digits, int8_weights, trained

from tinygen.compress._kernels import large_kernels
from tinygen.compress._shared_values import channel_gains, kernel_of, weighted_centroids
from tinygen.compress._signs import positive_scales
from tinygen.compress.cluster import squared_gradients
from tinygen.errors import BadInput

pytestmark = [pytest.mark.needs_tensorflow, pytest.mark.slow]


def int8_counts(model: Any) -> dict[tuple[int, ...], int]:
    return {w.shape: len(np.unique(w)) for w in int8_weights(model)}


#: conv_model's clustered layers by their int8 kernels' shapes; "right" is a separable layer's pointwise kernel.
STORED = {
    "stem": (12, 3, 3, 1), "point": (12, 1, 1, 12), "left": (8, 3, 3, 12), "right": (6, 1, 1, 24),
    "hidden": (24, 504), "output": (10, 24),
}  # fmt: skip


def test_few_integers_in_the_int8_model() -> None:
    """Through the converter, with a scale a channel and batch normalizations folded in, some of them negative."""
    teacher = conv_model()
    teacher.layers[2].gamma.assign([1.0, -1.0] * 6)
    trained(teacher)
    before = [w.copy() for w in teacher.get_weights()]
    clustered, facts = apply("cluster", teacher, epochs=5, learning_rate=1e-3)
    assert all((a == b).all() for a, b in zip(before, teacher.get_weights(), strict=True)), "the teacher stays"
    assert set(facts["values"]) == set(STORED) and facts["left"] == []
    assert all(8 < n <= 16 for n in facts["values"].values())
    stored = {w.shape: w for w in int8_weights(clustered)}
    assert {name: len(np.unique(stored[shape])) for name, shape in STORED.items()} == facts["values"]
    for layer, kernel in large_kernels(clustered):
        integers = np.rint(127 * kernel.numpy() / channel_gains(kernel.numpy(), True))
        rows = np.moveaxis(integers, -1, 0).reshape(STORED[layer.name])
        assert (stored[STORED[layer.name]] == rows).all(), "the very integers, to the bit"
    tuned, told = apply("finetune", clustered, epochs=2, learning_rate=1e-3)
    assert set(told["clusters"].values()) >= set(facts["values"].values())
    again = int8_counts(tuned)
    assert {name: again[shape] <= facts["values"][name] for name, shape in STORED.items()} == dict.fromkeys(
        STORED, True
    )
    assert (tuned.get_layer("hidden").kernel.numpy() != clustered.get_layer("hidden").kernel.numpy()).any()
    unclustered = int8_counts(teacher)
    assert all(unclustered[shape] > 24 for shape in STORED.values())
    assert accuracy(clustered) > accuracy(teacher) - 0.04


def test_few_floats_without_gains() -> None:
    model = trained(dense_model())
    options: dict[str, Any] = {"channel_gains": False, "epochs": 3, "method": "density", "skip": ["output"]}
    clustered, facts = apply("cluster", model, **options)
    [(_, hidden), (_, output)] = large_kernels(clustered)
    assert len(np.unique(hidden)) == facts["float_values"]["hidden"] <= 16 < len(np.unique(output))
    assert facts["left"] == ["output"] and int8_counts(clustered)[48, 64] > 16, "each channel has its own scale"
    assert accuracy(clustered) > accuracy(model) - 0.04
    again, _ = apply("cluster", model, **options)
    assert all((a == b).all() for a, b in zip(clustered.get_weights(), again.get_weights(), strict=True))


@pytest.mark.parametrize("method", ["linear", "hessian"])
def test_zeros_stay(method: str) -> None:
    sparse = trained(dense_model(), 6)
    for _, kernel in large_kernels(sparse):
        kernel.assign(np.where(np.abs(kernel) < np.quantile(np.abs(kernel), 0.7), 0, kernel))
    zeros = [kernel.numpy() == 0 for _, kernel in large_kernels(sparse)]
    values = 8 if method == "hessian" else 16
    clustered, facts = apply("cluster", sparse, method=method, epochs=3, values=values)
    for (_, kernel), was in zip(large_kernels(clustered), zeros, strict=True):
        assert (kernel.numpy()[was] == 0).all() and (kernel.numpy() == 0).mean() < 0.85
    counts = int8_counts(clustered)
    assert (counts[48, 64], counts[10, 48]) == tuple(facts["values"].values()) and max(
        facts["values"].values()
    ) <= values
    assert accuracy(clustered) > accuracy(sparse) - 0.04
    tuned, _ = apply("finetune", clustered, epochs=1, learning_rate=1e-3)
    assert all((k.numpy()[z] == 0).all() for (_, k), z in zip(large_kernels(tuned), zeros, strict=True))
    assert all(now <= counts[shape] for shape, now in int8_counts(tuned).items())
    free, _ = apply("finetune", clustered, epochs=1, learning_rate=1e-3, keep_clusters=False)
    assert all(now > counts[shape] for shape, now in int8_counts(free).items())
    loose, _ = apply("cluster", sparse, method=method, epochs=1, preserve_sparsity=False)
    assert not all((k.numpy()[z] == 0).all() for (_, k), z in zip(large_kernels(loose), zeros, strict=True))


def test_weights_that_matter_draw_the_values() -> None:
    random = np.random.default_rng(0)
    values = np.clip(random.normal(0, 0.3, 2000), -1, 1)
    dear = np.where(np.abs(values - 0.5) < 0.1, 50.0, 1.0)

    def lost(centers: Any, weights: Any) -> float:
        return float((weights * np.abs(values[:, None] - centers).min(axis=1) ** 2).sum())

    plain, weighted = (weighted_centroids(values, w, 8, False) for w in (np.ones(2000), dear))
    assert lost(weighted, dear) < 0.8 * lost(plain, dear) and lost(plain, np.ones(2000)) < lost(weighted, np.ones(2000))
    assert plain[0] == weighted[0] == -1 and plain[-1] == weighted[-1] == 1
    assert 0.0 in weighted_centroids(values, dear, 8, True)


def test_importance_is_the_mean_squared_gradient() -> None:
    """Of the last layer, by hand: (p - y)_j² * a_i², the mean over samples."""
    import tf_keras

    model = trained(dense_model(), 2)
    data = digits()[0]
    x, y = data.x[:40], data.y[:40]
    [_, (_, output)] = large_kernels(model)
    [found] = squared_gradients(model, [output], x, y, context(model).task)
    hidden = tf_keras.Model(model.inputs, model.get_layer("hidden").output)(x).numpy().astype(np.float64)
    p = np.exp(model(x).numpy().astype(np.float64))
    p /= p.sum(axis=1, keepdims=True)
    by_hand = np.einsum("ni,nj->ij", hidden**2, (p - np.eye(10)[y]) ** 2) / len(x)
    assert np.allclose(found, np.maximum(by_hand, 1e-3 * by_hand.mean()), rtol=1e-3)


def test_negative_scales_are_turned_around() -> None:
    model = conv_model()
    gamma = model.layers[2].gamma
    gamma.assign(np.where(np.arange(12) % 3 == 0, -0.7, 1.2).astype(np.float32))
    model.layers[2].moving_mean.assign(np.linspace(-1, 1, 12))
    x = digits()[1][:50]
    before = model(x).numpy()
    assert np.abs(positive_scales(model)(x).numpy() - before).max() < 1e-6
    assert (gamma.numpy() > 0).all()


def test_gains() -> None:
    kernel = np.array([[0.5, 0.0, -2.0], [-0.25, 0.0, 1.0]], np.float32)
    assert channel_gains(kernel, True).tolist() == [0.5, 1.0, 2.0]
    assert channel_gains(kernel, False).tolist() == [2.0] * 3
    assert kernel_of(np.array([[127, 0], [-64, 127]]), np.array([0.5, 2.0])).tolist() == [
        [0.5, 0.0], [pytest.approx(-64 / 254), 2.0],
    ]  # fmt: skip


def test_nothing_to_cluster() -> None:
    with pytest.raises(BadInput, match="no layer can be clustered"):
        apply("cluster", dense_model(), epochs=1, min_weights=10_000)


def test_a_layer_of_few_weights() -> None:
    """Fewer different weights than values, on one side of zero or on both: k-means++ alone would fail."""
    model = dense_model()
    kernel = model.get_layer("output").kernel
    kernel.assign(np.eye(48, 10, dtype=np.float32) * 0.5 - np.eye(48, 10, 1, dtype=np.float32) * 0.2)
    clustered, facts = apply("cluster", model, epochs=1)
    assert 3 <= facts["values"]["output"] < facts["values"]["hidden"] == 16
    assert ((clustered.get_layer("output").kernel.numpy() == 0) == (kernel.numpy() == 0)).all()
