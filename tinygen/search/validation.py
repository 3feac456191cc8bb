"""The validation data that every choice is made on: the user's, or a part of the training data set aside."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..dataset import DataSet
from ..errors import BadInput

#: One sample in so many is set aside, of every class alike.
_SHARE = 5


def with_validation(data: DataSet, seed: int) -> tuple[DataSet, str]:
    """The data with x_val and y_val, and a note where they were taken from the training data; the test set stays.

    BadInput where there are no labels to train on, or too few samples to set some aside.
    """
    pair = data.pair("train")
    if pair is None:
        raise BadInput(f"{data.path}: search trains, and x_train or y_train is missing.", "An .npz with both.")
    if data.pair("val") is not None:
        return data, ""
    x, y = pair
    if len(x) < 2 * _SHARE:
        raise BadInput(f"{data.path}: {len(x)} training samples and no x_val, y_val to choose on.", "Add x_val, y_val.")
    random, classes = np.random.default_rng(seed), y.ndim == 1 and y.dtype.kind in "biu"
    groups = [np.flatnonzero(y == label) for label in np.unique(y)] if classes else [np.arange(len(y))]
    order = np.concatenate([random.permutation(group) for group in groups])
    held = np.zeros(len(x), bool)
    held[order[_SHARE // 2 :: _SHARE]] = True
    arrays = {**data.arrays, "x_train": x[~held], "y_train": y[~held], "x_val": x[held], "y_val": y[held]}
    note = f"{data.path} has no x_val and y_val: {held.sum()} of {len(x)} training samples were set aside for choosing."
    return replace(data, arrays=arrays), note
