"""How much each channel of a model matters: by its weights, by its batch normalization, or by data."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ._channel_layers import kind, output_norms
from ._channels import ChannelGraph
from .task import Task
from .training import label_loss

Array = npt.NDArray[Any]
Criterion = Literal["l1", "l2", "bn_scale", "taylor"]


def unit_scores(model: Any, graph: ChannelGraph, criterion: Criterion, x: Array, y: Array, task: Task) -> Array:
    """One score a unit, more is dearer; comparable over the whole model for "taylor", within a class otherwise."""
    if criterion == "taylor":
        return sensitivities(model, graph, x, y, task)
    norms = _norms(graph, 1 if criterion == "l1" else 2)
    if criterion != "bn_scale":
        return norms
    scales, seen = np.zeros(graph.units), np.zeros(graph.units, bool)
    for call in graph.calls:
        if kind(call.layer) == "BatchNormalization" and call.layer.scale:
            np.add.at(scales, call.units, np.abs(np.asarray(call.layer.gamma, np.float64)))
            seen[call.units] = True
    return np.where(seen, scales, norms)


def without_scale(graph: ChannelGraph) -> list[str]:
    """Names of the layers that make units which no batch normalization scales: "bn_scale" falls back on L2 there."""
    seen = np.zeros(graph.units, bool)
    for call in graph.calls:
        if kind(call.layer) == "BatchNormalization" and call.layer.scale:
            seen[call.units] = True
    return sorted({name for names, units in graph.classes().items() if not seen[units].all() for name in names})


def _norms(graph: ChannelGraph, order: int) -> Array:
    scores = np.zeros(graph.units)
    for call in graph.calls:
        if call.produces:
            np.add.at(scores, call.units, output_norms(call.layer, order))
    return scores


def sensitivities(model: Any, graph: ChannelGraph, x: Array, y: Array, task: Task) -> Array:
    """The mean over samples of |sum of activation * dloss/dactivation| over all places where a unit is read.

    That is the first-order change of a sample's loss when the unit becomes zero at every kernel that reads it
    (Molchanov et al., "Pruning Convolutional Neural Networks for Resource Efficient Inference", 2017).
    """
    import tensorflow as tf
    import tf_keras

    taps = {id(t): (t, s) for c in graph.calls if c.produces for t, s in zip(c.inputs, c.sources, strict=True)}
    tensors = [tensor for tensor, _ in taps.values()]
    seen = tf_keras.Model(model.inputs, [*tensors, model.output])
    loss, targets, total = label_loss(task), task.targets(y), np.zeros(graph.units)
    for start in range(0, len(x), 64):
        with tf.GradientTape() as tape:
            *values, output = seen(tf.constant(x[start : start + 64]), training=False)
            tape.watch(values)
            lost = tf.reduce_sum(loss(targets[start : start + 64], output))
        changes = np.zeros((len(x[start : start + 64]), graph.units))
        for value, slope, (_, units) in zip(values, tape.gradient(lost, values), taps.values(), strict=True):
            if slope is not None:
                places = tf.reshape(value * slope, (len(changes), -1, len(units)))
                np.add.at(changes.T, units, tf.reduce_sum(places, axis=1).numpy().T)
        total += np.abs(changes).sum(axis=0)
    return np.asarray(total / len(x))
