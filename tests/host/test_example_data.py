"""The examples' real data: shapes, classes, the anomaly's place, and splits that share no sample."""

from __future__ import annotations

import numpy as np
import pytest

from tinygen.example_data import MOTIONS, digits, motions, pressure, split_by_class


def test_digits_are_images_of_ten_classes() -> None:
    x, y = digits()
    assert x.shape == (1797, 8, 8, 1) and x.dtype == np.float32 and (x.min(), x.max()) == (0, 16)
    assert sorted(set(y.tolist())) == list(range(10))


def test_motions_are_twenty_recordings_a_class() -> None:
    x, y = motions()
    assert x.shape == (80, 100, 6) and x.dtype == np.float32 and np.isfinite(x).all()
    assert np.bincount(y).tolist() == [20] * len(MOTIONS)
    energy = [x[y == i].std() for i in range(len(MOTIONS))]
    assert min(energy) == energy[MOTIONS.index("standing")]


def test_pressure_has_one_anomaly_after_its_calm_beginning() -> None:
    x, y = pressure()
    assert x.shape == y.shape == (7501,) and set(y.tolist()) == {0, 1}
    assert np.count_nonzero(np.diff(y)) == 2 and y[:1200].sum() == 0


@pytest.mark.parametrize("seed", [0, 1])
def test_a_split_holds_every_sample_once_and_every_class_in_its_share(seed: int) -> None:
    x = np.arange(100)
    parts = split_by_class(x, x % 5, seed, (0.5, 0.2, 0.3))
    assert [len(parts[f"x_{name}"]) for name in ("train", "val", "test")] == [50, 20, 30]
    assert sorted(np.concatenate([parts[f"x_{n}"] for n in ("train", "val", "test")]).tolist()) == list(range(100))
    for name in ("train", "val", "test"):
        assert np.array_equal(parts[f"x_{name}"] % 5, parts[f"y_{name}"])
        assert len(set(np.bincount(parts[f"y_{name}"]).tolist())) == 1
    assert not np.array_equal(parts["x_train"], split_by_class(x, x % 5, seed + 1, (0.5, 0.2, 0.3))["x_train"])
