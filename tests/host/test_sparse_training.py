"""Sparse from the first step to the last, with masks that move: SET and RigL on the digits."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from digits_training import accuracy, apply, context, conv_model, dense_model, digits, trained

from tinygen.compress import sparse_training
from tinygen.compress._kernels import large_kernels
from tinygen.compress._moving_masks import first_mask, layer_densities, moved
from tinygen.compress.sparse_training import gradients
from tinygen.errors import BadInput

pytestmark = [pytest.mark.needs_tensorflow, pytest.mark.slow]


def watched(monkeypatch: pytest.MonkeyPatch, model: Any, **options: Any) -> tuple[Any, Any, list[Any], list[Any]]:
    """(the model, facts, the masks and the kernels after every step)."""
    masks, kernels = [], []
    usual = sparse_training._Moves.callback

    def callback(moves: Any) -> Any:
        import tf_keras

        before = usual(moves)

        def look(*_: Any) -> None:
            masks.append([m.numpy() for m in moves.masks])
            kernels.append([k.numpy() for k in moves.kernels])
            before.on_train_batch_end(0, {})

        return tf_keras.callbacks.LambdaCallback(on_train_batch_end=look)

    monkeypatch.setattr(sparse_training._Moves, "callback", callback)
    return *apply("sparse_training", model, **options), masks, kernels


@pytest.mark.parametrize(
    ("method", "distribution", "start"), [("rigl", "erdos_renyi", "magnitude"), ("set", "uniform", "random")]
)
def test_as_sparse_at_every_step(monkeypatch: pytest.MonkeyPatch, method: str, distribution: str, start: str) -> None:
    teacher = dense_model() if start == "random" else trained(dense_model(), 10)
    options: dict[str, Any] = {"method": method, "distribution": distribution, "start": start, "update_every": 10}
    sparse, facts, masks, kernels = watched(
        monkeypatch, teacher, sparsity=0.8, epochs=16, learning_rate=3e-3, **options
    )
    assert len(masks) == 16 * 19
    counts = {tuple(int(mask.sum()) for mask in step) for step in masks}
    assert len(counts) == 1 and sum(counts.pop()) == pytest.approx(0.2 * (64 * 48 + 48 * 10), abs=2)
    for step_masks, step_kernels in zip(masks, kernels, strict=True):
        assert all((k[m == 0] == 0).all() for m, k in zip(step_masks, step_kernels, strict=True))
    pairs = [zip(*step, strict=True) for step in pairwise(masks)]
    changed = [i for i, pair in enumerate(pairs, 1) if any((a != b).any() for a, b in pair)]
    assert changed == list(range(10, 220, 10)), "every tenth step, until three quarters of 304; the last move is empty"
    assert facts["moves"] == 22 and facts["moved_weights"] > 200
    final = [kernel.numpy() == 0 for _, kernel in large_kernels(sparse)]
    assert all(zeros[mask == 0].all() for zeros, mask in zip(final, masks[-1], strict=True))
    shares = list(facts["layer_sparsity"].values())
    assert shares == pytest.approx([0.8, 0.8], abs=1e-3) if distribution == "uniform" else shares[0] > 0.8 > shares[1]
    tuned, _ = apply("finetune", sparse, epochs=2)
    assert all((k.numpy()[z] == 0).all() for (_, k), z in zip(large_kernels(tuned), final, strict=True))
    assert accuracy(sparse) > 0.88


def test_the_mask_moves_less_and_less() -> None:
    _, early = apply("sparse_training", dense_model(), sparsity=0.5, epochs=2, update_every=28, method="set")
    _, all_of_them = apply("sparse_training", dense_model(), sparsity=0.5, epochs=2, update_every=7, method="set")
    assert early["moves"] == 1 and all_of_them["moves"] == 4
    assert all_of_them["moved_weights"] > 4 * early["moved_weights"], "at 7, 14 and 21 steps more move than at 28"


def test_same_seed_same_masks() -> None:
    model = dense_model()
    before = [w.copy() for w in model.get_weights()]
    options: dict[str, Any] = {"sparsity": 0.7, "epochs": 1, "update_every": 5}
    first, again, other = (apply("sparse_training", model, seed=s, **options)[0] for s in (3, 3, 4))
    assert all((a == b).all() for a, b in zip(first.get_weights(), again.get_weights(), strict=True))
    assert not all((a == b).all() for a, b in zip(first.get_weights(), other.get_weights(), strict=True))
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))


def test_convolutions() -> None:
    sparse, facts = apply("sparse_training", conv_model(), sparsity=0.7, epochs=1, update_every=5, skip=["stem"])
    assert set(facts["layer_sparsity"]) == {"point", "left", "right", "hidden", "output"} and facts["moves"] == 2
    shares = {layer.name: float((kernel.numpy() == 0).mean()) for layer, kernel in large_kernels(sparse)}
    assert shares["stem"] == 0 and all(shares[n] >= share - 1e-3 for n, share in facts["layer_sparsity"].items())


def test_densities() -> None:
    shapes = [(3, 3, 1, 8), (3, 3, 8, 16), (400, 20), (20, 10)]
    sizes = np.array([np.prod(shape) for shape in shapes])
    densities = np.array(layer_densities(shapes, 0.6, "erdos_renyi"))
    assert (densities * sizes).sum() == pytest.approx(0.4 * sizes.sum())
    assert densities.max() == 1.0 and (np.diff(densities[[0, 3, 2, 1]]) <= 0).all()
    free = densities < 1
    raw = np.array([sum(shape) for shape in shapes]) / sizes
    assert np.ptp((densities / raw)[free]) < 1e-12 and free.any()
    assert layer_densities(shapes, 0.25, "uniform") == [0.75] * 4


def test_a_move() -> None:
    kernel = np.array([[5.0, -0.1, 0.0], [0.2, 0.0, -3.0]])
    mask = first_mask(kernel, 4 / 6, None)
    assert mask.tolist() == [[1, 1, 0], [1, 0, 1]]
    growth = np.array([[9.0, 0, 1], [0.5, 2, 9]])
    assert moved(mask, kernel, growth, 0.5).tolist() == [[1, 0, 1], [0, 1, 1]]
    assert moved(mask, kernel, growth, 0.25).tolist() == [[1, 0, 0], [1, 1, 1]]
    assert moved(mask, kernel, growth, 0.2).tolist() == mask.tolist()
    assert first_mask(kernel, 0.5, np.random.default_rng(0)).sum() == 3


def test_growth_follows_the_loss() -> None:
    """The gradient that RigL grows by is the slope of the loss in a weight that is zero."""
    model = trained(dense_model(), 1)
    data, task = digits()[0], context(model).task
    [_, (_, kernel)] = large_kernels(model)
    weights = kernel.numpy()
    weights[3, 7] = 0.0

    def loss(value: float) -> float:
        weights[3, 7] = value
        kernel.assign(weights)
        logits = model(data.x).numpy().astype(np.float64)
        return float(np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(data.y)), data.y]))

    slope = (loss(0.01) - loss(-0.01)) / 0.02
    loss(0.0)
    assert gradients(model, [kernel], data.x, data.y, task)[0][3, 7] == pytest.approx(slope, rel=1e-2)
    assert abs(slope) > 1e-3


def test_nothing_to_make_sparse() -> None:
    with pytest.raises(BadInput, match="no layer can be sparse"):
        apply("sparse_training", dense_model(), sparsity=0.5, epochs=1, skip=["hidden", "output"])
