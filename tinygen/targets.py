"""What an auto-encoder learns: where the data holds no y for training, x itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .dataset import DataSet, fit_shape
from .model_file import LoadedModel
from .preprocess import from_mean_std, normalize


def with_targets(data: DataSet, model: LoadedModel, mean: Sequence[float] = (), std: Sequence[float] = ()) -> DataSet:
    """Where y_train is absent and the model's output has its input's shape: `data` with y = x, as the model sees it, in
    each split without a y; else `data` as it is."""
    if "y_train" in data.arrays or model.output_shape[1:] != model.input_shape[1:]:
        return data
    preprocess = from_mean_std(mean, std, model.input_shape)
    found = dict(data.arrays)
    for name, x in data.arrays.items():
        if name.startswith("x_"):
            fitting = fit_shape(x, model.input_shape, f"{data.path}: {name}")
            found.setdefault(f"y_{name[2:]}", normalize(fitting, preprocess))
    return replace(data, arrays=found)
