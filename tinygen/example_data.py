"""Real data of the examples and the benchmarks, out of Python packages: digits, motions, blood pressure."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import missing_extra

Array = npt.NDArray[Any]
MOTIONS = ("standing", "running", "walking", "badminton")
SPLITS = ("train", "val", "test")


def digits() -> tuple[Array, Array]:
    """scikit-learn's 1,797 handwritten digits: x (1797, 8, 8, 1) of 0 to 16 as float32, y the digit.

    Raises MissingTool where scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError as error:
        raise missing_extra("scikit-learn", "demo") from error
    data = load_digits()
    return data.images.astype(np.float32)[..., None], data.target.astype(np.int32)


def motions() -> tuple[Array, Array]:
    """BasicMotions: 80 recordings of 10 s at 10 Hz, three axes of acceleration and three of rotation.

    x (80, 100, 6) as float32, y an index into MOTIONS. From aeon's package; MissingTool where it is not installed.
    """
    with _quiet():
        datasets = _aeon()
        parts = [datasets.load_basic_motions(split=split) for split in ("train", "test")]
    x = np.concatenate([part[0] for part in parts]).transpose(0, 2, 1).astype(np.float32)
    names = [str(name) for part in parts for name in part[1]]
    return np.ascontiguousarray(x), np.array([MOTIONS.index(name) for name in names], np.int32)


def pressure() -> tuple[Array, Array]:
    """KDD-TSAD 135 (UCR anomaly archive): 7,501 samples of an arterial blood pressure with one anomaly.

    x (7501,) as float32, y 1 where the series is anomalous. From aeon's package; MissingTool where it is not installed.
    """
    with _quiet():
        x, y = _aeon().load_kdd_tsad_135()
    return np.asarray(x, np.float32).reshape(-1), np.asarray(y, np.int32).reshape(-1)


def split_by_class(x: Array, y: Array, seed: int, shares: Sequence[float] = (0.7, 0.1, 0.2)) -> dict[str, Array]:
    """x_train y_train x_val y_val x_test y_test: every class in these three shares, in an order of the seed."""
    random = np.random.default_rng(seed)
    parts: dict[str, list[Array]] = {name: [] for name in SPLITS}
    for label in np.unique(y):
        order = random.permutation(np.flatnonzero(y == label))
        cuts = np.round(np.cumsum(shares[:2]) * len(order)).astype(int)
        for name, part in zip(SPLITS, np.split(order, cuts), strict=True):
            parts[name].append(part)
    chosen = {name: random.permutation(np.concatenate(found)) for name, found in parts.items()}
    return {f"{k}_{name}": array[rows] for name, rows in chosen.items() for k, array in (("x", x), ("y", y))}


def _aeon() -> Any:
    try:
        import aeon.datasets
    except ModuleNotFoundError as error:
        raise missing_extra("aeon", "examples") from error
    return aeon.datasets


@contextlib.contextmanager
def _quiet() -> Any:
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
