"""A training loop for losses of several named terms, and for weights that are not computed with as they are kept.

The loss of a batch is the sum of weight x value over the terms; weights may change with the share of the training done.
Where `compute_with` is given, a step computes with what it makes of the kept weights, and its gradients go to the kept
ones (the straight-through estimator, Bengio et al. 2013).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .registry import TrainOptions
from .training import Array, Context, require_finite

#: Of the share of the training that is done, 0 to 1.
Schedule = Callable[[float], float]


@dataclass(frozen=True)
class Batch:
    """What a term is computed from, in TensorFlow: targets as `Task.targets` gives them, the model's outputs as logits,
    what `outputs` the model had beside its first, and the batch's rows of `given`."""

    targets: Any
    logits: Any
    outputs: Sequence[Any]
    given: Sequence[Any]


@dataclass(frozen=True)
class Term:
    """One term of the loss: `value` gives a number for a batch."""

    name: str
    weight: float | Schedule
    value: Callable[[Batch], Any]


def fit(
    model: Any,
    x: Array,
    targets: Array,
    options: TrainOptions,
    context: Context,
    terms: Sequence[Term],
    *,
    logits: Callable[[Any], Any],
    given: Sequence[Array] = (),
    extra: Sequence[Any] = (),
    compute_with: Callable[[int, float], Sequence[tuple[Any, Any]]] | None = None,
    label: str,
) -> dict[str, float]:
    """Trains `model` and the variables `extra` in place; the mean of each term over the last epoch, and of the loss.

    `compute_with(step, done)` gives (variable, value) pairs.
    """
    import tf_keras

    optimizer = tf_keras.optimizers.Adam(options.learning_rate)
    variables = [*model.trainable_variables, *extra]
    gradients, apply = _gradients(model, variables, terms, logits), _application(optimizer, variables)
    size = min(options.batch_size, len(x))
    batches = -(-len(x) // size)
    random = np.random.default_rng(context.seed)
    means: dict[str, float] = {}
    for epoch in range(options.epochs):
        order, sums = random.permutation(len(x)), np.zeros(len(terms) + 1)
        for i in range(batches):
            rows, step = order[i * size : (i + 1) * size], epoch * batches + i
            done = step / max(1, options.epochs * batches - 1)
            weights = np.array([t.weight(done) if callable(t.weight) else t.weight for t in terms], np.float32)
            swapped = [(v, v.numpy(), value) for v, value in compute_with(step, done)] if compute_with else []
            for variable, _, value in swapped:
                variable.assign(value)
            slopes, loss, values = gradients(x[rows], targets[rows], [g[rows] for g in given], weights)
            for variable, kept, _ in swapped:
                variable.assign(kept)
            apply(slopes)
            sums += len(rows) * np.array([loss.numpy(), *values.numpy()], np.float64)
        means = dict(zip(("loss", *(f"loss_{t.name}" for t in terms)), (sums / len(x)).tolist(), strict=True))
        context.progress(f"{label}: epoch {epoch + 1}/{options.epochs}, loss {means['loss']:.4f}")
        if context.watch is not None:
            context.watch(epoch + 1, model)
    return require_finite(label, {name: round(value, 6) for name, value in means.items()})


def _gradients(model: Any, variables: Sequence[Any], terms: Sequence[Term], logits: Callable[[Any], Any]) -> Any:
    import tensorflow as tf

    def compute(x: Any, targets: Any, given: Any, weights: Any) -> Any:
        with tf.GradientTape() as tape:
            outputs = tf.nest.flatten(model(x, training=True))
            batch = Batch(targets, logits(outputs[0]), outputs[1:], given)
            values = tf.stack([tf.cast(term.value(batch), tf.float32) for term in terms])
            loss = tf.reduce_sum(values * weights)
            if model.losses:
                loss += tf.add_n(model.losses)
        return tape.gradient(loss, variables), loss, values

    return tf.function(compute, reduce_retracing=True)


def _application(optimizer: Any, variables: Sequence[Any]) -> Any:
    """The optimizer's step as one graph: called op by op it takes longer than the gradients of a small model."""
    import tensorflow as tf

    optimizer.build(variables)
    return tf.function(
        lambda slopes: optimizer.apply_gradients(
            (slope, variable) for slope, variable in zip(slopes, variables, strict=True) if slope is not None
        )
    )
