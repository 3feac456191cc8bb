"""Magnitude pruning on the digits: its schedules and blocks reach their share, and zeros stay when training goes on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from digits_training import accuracy, apply, conv_model, dense_model, int8_weights, trained

from tinygen.compress._blocks import block_mask
from tinygen.compress._kernels import large_kernels
from tinygen.errors import BadInput

pytestmark = [pytest.mark.needs_tensorflow, pytest.mark.slow]


def shares(model: Any) -> dict[str, float]:
    return {layer.name: float((kernel.numpy() == 0).mean()) for layer, kernel in large_kernels(model)}


@pytest.mark.parametrize("schedule", ["polynomial", "constant"])
def test_the_share_is_reached_and_kept(schedule: str) -> None:
    teacher = trained(dense_model())
    options: dict[str, Any] = {"sparsity": 0.75, "epochs": 5, "schedule": schedule, "skip": ["output"]}
    sparse, facts = apply("prune", teacher, learning_rate=3e-3, **options)
    assert facts["pruned_layers"] == ["hidden"]
    assert shares(sparse) == {"hidden": pytest.approx(0.75, abs=0.001), "output": 0.0}
    tuned, _ = apply("finetune", sparse, epochs=3)
    zeros = [kernel.numpy() == 0 for _, kernel in large_kernels(sparse)]
    assert all((kernel.numpy()[z] == 0).all() for (_, kernel), z in zip(large_kernels(tuned), zeros, strict=True))
    hidden = next(w for w in int8_weights(tuned) if w.shape == (48, 64))
    assert (hidden[zeros[0].T] == 0).all() and (hidden == 0).mean() < 0.85
    assert accuracy(tuned) > accuracy(teacher) - 0.05


@pytest.mark.parametrize(("block", "pooling"), [((4, 1), "average"), ((8, 2), "max")])
def test_blocks(block: tuple[int, int], pooling: str) -> None:
    model, skip = (trained(dense_model(), 6), []) if block == (8, 2) else (conv_model(), ["stem"])
    options: dict[str, Any] = {"sparsity": 0.5, "epochs": 6, "block": block, "block_pooling": pooling, "skip": skip}
    sparse, facts = apply("prune", model, learning_rate=3e-3, **options)
    assert facts["pruned_layers"] == [layer.name for layer, _ in large_kernels(sparse, skip)]
    for layer, kernel in large_kernels(sparse, skip):
        rows = kernel.numpy().reshape(-1, kernel.shape[-1])
        blocks = rows.reshape(-1, block[0], rows.shape[1] // block[1], block[1])
        empty, full = (blocks == 0).all(axis=(1, 3)), (blocks != 0).all(axis=(1, 3))
        assert empty.mean() == pytest.approx(0.5, abs=0.02) and (empty | full).mean() > 0.95, layer.name
    tuned, _ = apply("finetune", sparse, epochs=1)
    assert shares(tuned) == shares(sparse)
    assert accuracy(sparse) > 0.75
    if skip:
        left = {w.shape: w for w in int8_weights(tuned)}[8, 3, 3, 12]
        zeros = sparse.get_layer("left").kernel.numpy().reshape(-1, 8) == 0
        assert (left.reshape(8, -1).T[zeros] == 0).all() and shares(tuned)["stem"] == 0


def test_the_least_blocks_go() -> None:
    kernel = np.arange(1.0, 25.0).reshape(3, 2, 4)
    assert block_mask(kernel, (2, 4), 0.66, "average").reshape(3, 8).tolist() == [[0.0] * 8, [0.0] * 8, [1.0] * 8]
    kernel[0, 0, 0] = 100.0
    assert block_mask(kernel, (2, 4), 0.66, "max").reshape(3, 8).sum(axis=1).tolist() == [8, 0, 0]
    ends = block_mask(np.array([[1.0, 1], [1, 1], [2, 1]]), (2, 2), 0.5, "average")
    assert ends.tolist() == [[0, 0], [0, 0], [1, 1]], "a block at the end is judged by the weights that it has"


def test_refusals() -> None:
    for block in ((1, 1), (4, 1)):
        with pytest.raises(BadInput, match="no layer that can be pruned"):
            apply("prune", dense_model(), sparsity=0.5, epochs=1, block=block, skip=["hidden", "output"])
