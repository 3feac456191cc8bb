"""Several at once: pruning, clustering, int8's rounding and distillation in one training, each on its own schedule.

The way of working of NNCF (Kozlov et al., "Neural Network Compression Framework for fast model inference", 2020).
A step computes with weights that are pruned, clustered and rounded, in this order, as far as the schedules have come;
gradients go to the full-precision weights, so that one may come back until pruning's end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pydantic import Field, model_validator

from ._holds import kernels_of
from ._kernels import copied, values_and_zeros
from ._loop import Term, fit
from .registry import TrainOptions
from .task import Array
from .training import Context, TrainingData, hard_loss, predict, soft_loss

Share = Field(0.0, ge=0, le=1)


class Settings(TrainOptions):
    """Give two or more of `sparsity`, `clusters`, `rounding`, `alpha`. A begin and an end are shares of the training.

    `sparsity` is the share of zeros, rising from `prune_begin` to `prune_end` and held after; `clusters` the values a
    layer from `cluster_begin` on, zero among them where there is pruning; `rounding` lets every step feel int8's
    rounding of the weights from `rounding_begin` on; `alpha` the share of the recipe's first model in the loss, from
    `distill_begin` to `distill_end`, with `temperature`. `skip` names layers whose weights are left alone.
    """

    epochs: int = Field(20, gt=0)
    sparsity: float = Field(0.0, ge=0, lt=1)
    prune_begin: float = Share
    prune_end: float = Field(0.5, ge=0, le=1)
    clusters: int = Field(0, ge=0, le=256)
    cluster_begin: float = Field(0.5, ge=0, lt=1)
    rounding: bool = False
    rounding_begin: float = Field(0.5, ge=0, lt=1)
    alpha: float = Field(0.0, ge=0, le=1)
    temperature: float = Field(3.0, gt=0, le=100)
    distill_begin: float = Share
    distill_end: float = Field(1.0, ge=0, le=1)
    skip: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _several(self) -> Settings:
        if self.clusters == 1:
            raise ValueError("clusters is 1: a layer needs 2 values or more")
        if sum(map(bool, (self.sparsity, self.clusters, self.rounding, self.alpha))) < 2:
            raise ValueError("give two or more of sparsity, clusters, rounding and alpha")
        if self.prune_end < self.prune_begin or self.distill_end < self.distill_begin:
            raise ValueError("an end lies before its begin")
        return self


@dataclass
class _Layer:
    """One kernel, its mask once pruning has ended, and its shared values once there are any."""

    variable: Any
    mask: Array | None = None
    values: Array = field(default_factory=lambda: np.zeros(0, np.float32))


def apply(model: Any, data: TrainingData, options: Settings, context: Context) -> tuple[Any, dict[str, Any]]:
    """The model with its weights pruned and clustered; what rounds them to int8 is the quantization that follows."""
    import tensorflow as tf

    made = copied(model)
    layers = [_Layer(variable) for variable in kernels_of(made, options.skip, "combined")]
    task, logits = context.task, np.asarray(context.task.logits(predict(context.original, data.x)))

    def share(done: float) -> float:
        return options.alpha if options.distill_begin <= done <= options.distill_end else 0.0

    terms = [
        Term("labels", lambda done: 1.0 - share(done), lambda b: tf.reduce_mean(hard_loss(task, b.targets, b.logits))),
        Term(
            "teacher", share, lambda b: tf.reduce_mean(soft_loss(task, options.temperature, b.given[0], b.logits))
        ),
    ]  # fmt: skip
    losses = fit(
        made,
        data.x,
        task.targets(data.y),
        options,
        context,
        terms,
        logits=task.logits,
        given=[logits],
        compute_with=lambda _, done: [(x.variable, _computed(x, options, done, options.rounding)) for x in layers],
        label="combined",
    )
    told = {}
    for layer in layers:
        value = _computed(layer, options, 1.0, rounding=False)
        layer.variable.assign(value)
        told[layer.variable.name.removesuffix(":0")] = values_and_zeros(value)
    return made, {**losses, "layers": told}


def sparsity_at(options: Settings, done: float) -> float:
    """The share of zeros, by Zhu and Gupta's cubic (2017)."""
    if done < options.prune_begin:
        return 0.0
    span = options.prune_end - options.prune_begin
    past = min(1.0, (done - options.prune_begin) / span) if span > 0 else 1.0
    return float(options.sparsity * (1 - (1 - past) ** 3))


def _computed(layer: _Layer, options: Settings, done: float, rounding: bool) -> Array:
    """What the kernel computes as, when that share of the training is done."""
    value: Array = layer.variable.numpy()
    share = sparsity_at(options, done)
    if share > 0:
        mask = layer.mask
        if mask is None:
            zeros = np.argsort(np.abs(value), axis=None, kind="stable")[: round(share * value.size)]
            mask = np.ones(value.size, bool)
            mask[zeros] = False
            mask = mask.reshape(value.shape)
        if done >= options.prune_end:
            layer.mask = mask
        value = np.where(mask, value, np.float32(0))
    clustered = options.clusters > 0 and done >= options.cluster_begin
    if clustered:
        value = _clustered(layer, value, options.clusters - (options.sparsity > 0))
    if rounding and done >= options.rounding_begin:
        axes = None if clustered else tuple(range(value.ndim - 1))
        scale = np.maximum(np.abs(value).max(axis=axes, keepdims=True), 1e-12) / 127
        value = (np.round(value / scale) * scale).astype(np.float32)
    return value


def _clustered(layer: _Layer, value: Array, count: int) -> Array:
    """A step of k-means on the weights that are not zero: each becomes the mean of those nearest to its value."""
    chosen = value[value != 0]
    if not chosen.size:
        return value
    if not layer.values.size:
        layer.values = np.linspace(chosen.min(), chosen.max(), count).astype(np.float32)
    middles = (layer.values[1:] + layer.values[:-1]) / 2
    index = np.searchsorted(middles, chosen)
    counts = np.bincount(index, minlength=count)
    sums = np.bincount(index, chosen.astype(np.float64), minlength=count)
    layer.values = np.where(counts > 0, sums / np.maximum(counts, 1), layer.values).astype(np.float32)
    shared: Array = value.copy()
    shared[value != 0] = layer.values[index]
    return shared
