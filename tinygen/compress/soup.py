"""Model soups: the average of several fine-tunings of one model, which costs nothing when it runs.

Wortsman et al., "Model soups: averaging weights of multiple fine-tuned models improves accuracy without increasing
inference time", 2022.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from ..errors import BadInput
from ._holds import holding
from ._kernels import all_layers, copied
from .registry import TrainOptions
from .task import Array
from .training import Context, TrainingData, predict, train


class Settings(TrainOptions):
    """`ingredients` fine-tunings, each with its own seed and a learning rate from `learning_rate` / `spread` to
    `learning_rate` * `spread`; or the `files` of fine-tuned models of the same architecture.

    `method` "uniform" averages all; "greedy" takes them from the best to the worst by the validation data and keeps
    those that do not make the soup worse. Zeros stay. Batch statistics are taken anew from the training data. Without
    x_val, a fifth of the training data validates and is not trained on.
    """

    MODEL_FILES: ClassVar[tuple[str, ...]] = ("files",)

    epochs: int = Field(5, gt=0)
    ingredients: int = Field(4, ge=2, le=64)
    spread: float = Field(3.0, ge=1, le=100)
    method: Literal["uniform", "greedy"] = "greedy"
    files: tuple[str, ...] = Field((), max_length=64)


def apply(model: Any, data: TrainingData, options: Settings, context: Context) -> tuple[Any, dict[str, Any]]:
    """The soup, and each ingredient's validation metric in its facts."""
    if not len(data.x_val):
        data = _held_out(data, context.seed)
    made = _given(model, options, context) if options.files else _fine_tuned(model, data, options, context)
    soup = copied(model)

    def score(weights: Sequence[Array]) -> float:
        soup.set_weights(weights)
        return context.task.score(predict(soup, data.x_val), data.y_val)

    scores = [score(weights) for weights in made]
    sign = -1 if context.task.less_is_better else 1
    order = sorted(range(len(made)), key=lambda i: (-sign * scores[i], i))
    if options.method == "uniform":
        taken, weights = list(range(len(made))), average(soup, made, data.x)
    else:
        taken, weights = [order[0]], made[order[0]]
        best = sign * scores[order[0]]
        for i in order[1:]:
            tried = average(soup, [made[j] for j in (*taken, i)], data.x)
            if (value := sign * score(tried)) >= best:
                taken, weights, best = [*taken, i], tried, value
    value = score(weights)
    return soup, {
        "ingredients": scores, "taken": taken, "best_ingredient": scores[order[0]], "soup": value,
        "metric": context.task.metric,
    }  # fmt: skip


def average(model: Any, ingredients: Sequence[Sequence[Array]], x: Array) -> list[Array]:
    """The mean of the ingredients' weights, with batch statistics of the mean's own on `x`; `model` is written on."""
    model.set_weights([np.mean(parts, axis=0).astype(parts[0].dtype) for parts in zip(*ingredients, strict=True)])
    _recompute_statistics(model, x)
    return [np.array(w) for w in model.get_weights()]


def _recompute_statistics(model: Any, x: Array) -> None:
    """Each batch normalization's moving mean and variance become the mean over the batches of `x`."""
    layers = [layer for layer in all_layers(model) if type(layer).__name__ == "BatchNormalization"]
    kept = [layer.momentum for layer in layers]
    if layers:
        size = min(256, len(x))
        for i in range(len(x) // size):
            for layer in layers:
                layer.momentum = i / (i + 1)
            model(x[i * size : (i + 1) * size], training=True)
    for layer, momentum in zip(layers, kept, strict=True):
        layer.momentum = momentum


def _fine_tuned(model: Any, data: TrainingData, options: Settings, context: Context) -> list[list[Array]]:
    import tf_keras

    made = []
    for i, power in enumerate(np.linspace(-1, 1, options.ingredients)):
        seed = context.seed + 1000 * (i + 1)
        tf_keras.utils.set_random_seed(seed)
        copy = copied(model)
        settings = options.model_copy(update={"learning_rate": options.learning_rate * options.spread**power})
        label = f"soup: ingredient {i + 1}/{options.ingredients}"
        callbacks, _ = holding([w for w in copy.trainable_weights if w.shape.rank >= 2], "sparsity")
        own = replace(context, seed=seed)
        train(copy, data, settings, own, task=context.task, callbacks=callbacks, label=label)
        made.append(copy.get_weights())
    return made


def _given(model: Any, options: Settings, context: Context) -> list[list[Array]]:
    shapes, made = [w.shape for w in model.get_weights()], []
    for path in options.files:
        other = context.load(path)
        kinds = [[type(layer).__name__ for layer in all_layers(m)] for m in (model, other)]
        if [w.shape for w in other.get_weights()] != shapes or kinds[0] != kinds[1]:
            raise BadInput(
                f"soup: {Path(path).name} is of another architecture than the model.", "Fine-tune one model."
            )
        made.append(other.get_weights())
    return made


def _held_out(data: TrainingData, seed: int) -> TrainingData:
    order = np.random.default_rng(seed).permutation(len(data.x))
    cut = max(1, len(data.x) // 5)
    val, rest = order[:cut], order[cut:]
    return TrainingData(data.x[rest], data.y[rest], data.x[val], data.y[val])
