"""CLIP-Q: pruning and quantization of weights in parallel, learned in one training.

Tung and Mori, "CLIP-Q: Deep Network Compression Learning by In-Parallel Pruning-Quantization", 2018.
1. Two thresholds a layer, the quantile `clip` of the sizes of its negative weights and of its positive ones: what is
   nearer to zero is zero.
2. The span of the rest, on both sides of zero, is cut into equal intervals, 2^bits - 1 in all; each weight computes as
   the mean of its interval.
3. Gradients go to the full-precision weights, so that a weight may come back from zero or change its interval:
   thresholds and codes are estimated anew as the training goes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from ._holds import kernels_of
from ._kernels import copied, values_and_zeros
from ._loop import Term, fit
from .registry import TrainOptions
from .task import Array
from .training import Context, TrainingData, hard_loss


class Settings(TrainOptions):
    """`clip` is the share of each layer's weights that becomes zero, on either side of it; `bits` leaves 2^bits values.

    `every` is after how many batches thresholds and codes are estimated anew; `skip` names layers left alone.
    """

    epochs: int = Field(15, gt=0)
    clip: float = Field(0.5, ge=0, lt=1)
    bits: int = Field(4, ge=2, le=8)
    every: int = Field(1, gt=0)
    skip: tuple[str, ...] = ()


def apply(model: Any, data: TrainingData, options: Settings, context: Context) -> tuple[Any, dict[str, Any]]:
    """The model with the clipped and quantized weights in place of the full-precision ones."""
    import tensorflow as tf

    clipped = copied(model)
    kernels = kernels_of(clipped, options.skip, "clipq")
    codes: list[Array] = []

    def compute_with(step: int, _: float) -> list[tuple[Any, Array]]:
        if step % options.every == 0:
            codes[:] = [partition(w.numpy(), options.clip, options.bits) for w in kernels]
        return [(w, means(w.numpy(), code)) for w, code in zip(kernels, codes, strict=True)]

    task = context.task
    terms = [Term("labels", 1.0, lambda b: tf.reduce_mean(hard_loss(task, b.targets, b.logits)))]
    losses = fit(
        clipped,
        data.x,
        task.targets(data.y),
        options,
        context,
        terms,
        logits=task.logits,
        compute_with=compute_with,
        label="clipq",
    )
    layers = {}
    for weight, value in compute_with(0, 1.0):
        weight.assign(value)
        layers[weight.name.removesuffix(":0")] = values_and_zeros(value)
    return clipped, {**losses, "layers": layers}


def partition(kernel: Array, clip: float, bits: int) -> Array:
    """Each weight's code: 0 for what is clipped, 1 to 2^bits - 1 for the intervals."""
    codes = np.zeros(kernel.shape, np.int64)
    sides = [side for side in (kernel < 0, kernel > 0) if side.any()]
    kept = []
    for side in sides:
        threshold = np.quantile(np.abs(kernel[side]), clip)
        kept.append(side & (np.abs(kernel) >= threshold))
    spans = [float(np.ptp(kernel[side])) for side in kept]
    left, first = 2**bits - 1, 1
    for i, (side, span) in enumerate(zip(kept, spans, strict=True)):
        later = len(kept) - i - 1
        share = span / max(sum(spans), 1e-30)
        count = left if later == 0 else int(np.clip(round((2**bits - 1) * share), 1, left - later))
        low = kernel[side].min()
        place = np.floor((kernel[side] - low) / max(span, 1e-30) * count).astype(np.int64)
        codes[side] = first + np.clip(place, 0, count - 1)
        left, first = left - count, first + count
    return codes


def means(kernel: Array, codes: Array) -> Array:
    """What the kernel computes as: the mean of its interval in the place of each weight, zero for code 0."""
    flat, index = kernel.reshape(-1).astype(np.float64), codes.reshape(-1)
    sums, counts = np.bincount(index, flat), np.bincount(index)
    levels: Array = (sums / np.maximum(counts, 1)).astype(np.float32)
    levels[0] = 0.0
    return levels[index].reshape(kernel.shape)
