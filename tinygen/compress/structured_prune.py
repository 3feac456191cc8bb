"""Structured pruning: whole channels are removed, and the model that comes out is smaller and still dense.

Ranked by the L1 or L2 norm of their weights (Li et al., "Pruning Filters for Efficient ConvNets", 2017), by their batch
normalization's scale (Liu et al., "Learning Efficient Convolutional Networks through Network Slimming", 2017), or by
what their removal would do to the loss on training data (Molchanov et al., 2017).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from ..errors import BadInput
from ._channel_layers import smaller_config, smaller_weights
from ._channel_scores import Criterion, unit_scores, without_scale
from ._channels import ChannelGraph, read_channels
from ._holds import holding
from ._kernels import check_skip
from .registry import TrainOptions
from .training import Context, TrainingData, train

Array = npt.NDArray[Any]
Class = tuple[str, ...]


class Settings(TrainOptions):
    """`share` of the channels that may go is removed, in `iterations` rounds with `epochs` of fine-tuning after each.

    `criterion` ranks channels: "l1" or "l2" norm of their weights, "bn_scale" (L2 where none is), or "taylor", the
    sensitivity of the loss on `samples` of the training data. `global_ranking` compares channels over the whole model,
    else each layer loses the same share. A layer keeps at least `min_channels`, and a multiple of `round_to` (never
    more than it has). `skip` names layers whose channels stay; the model's input and output always stay, as does what
    feeds a layer that tinygen cannot follow. Channels go together through residual adds and depthwise layers.
    """

    epochs: int = Field(10, gt=0)
    share: float = Field(gt=0, le=0.95)
    criterion: Criterion = "taylor"
    global_ranking: bool = False
    iterations: int = Field(1, ge=1, le=100)
    min_channels: int = Field(1, ge=1)
    round_to: int = Field(1, ge=1, le=1024)
    samples: int = Field(256, gt=0)
    skip: tuple[str, ...] = ()


def apply(model: Any, data: TrainingData, options: Settings, context: Context) -> tuple[Any, dict[str, Any]]:
    """The smaller model, its kept weights fine-tuned; zeros of a pruned model stay zero."""
    check_skip(model, options.skip, "structured_prune")
    graph = read_channels(model, options.skip)
    first = {names: len(units) for names, units in graph.classes().items()}
    if not first:
        raise BadInput(f"structured_prune: no channel may be removed: {_told(graph)}.", "See protected layers.")
    facts: dict[str, Any] = {"protected": graph.protected(), "parameters_before": int(model.count_params())}
    if options.criterion == "bn_scale" and (rest := without_scale(graph)):
        facts["ranked_by_l2"] = rest
    chosen = np.sort(np.random.default_rng(context.seed).permutation(len(data.x))[: options.samples])
    smaller = model
    for i in range(1, options.iterations + 1):
        graph = read_channels(smaller, options.skip)
        scores = unit_scores(smaller, graph, options.criterion, data.x[chosen], data.y[chosen], context.task)
        goal = (1.0 - options.share) ** (i / options.iterations)
        smaller = without(smaller, graph, chosen_units(graph, scores, first, goal, options))
        label = f"structured_prune {i}/{options.iterations}"
        callbacks, _ = holding([w for w in smaller.trainable_weights if w.shape.rank >= 2], "sparsity")
        trained = train(smaller, data, options, context, task=context.task, callbacks=callbacks, label=label)
    left = {names: len(units) for names, units in read_channels(smaller, options.skip).classes().items()}
    facts["channels"] = {" + ".join(names): [n, left[names]] for names, n in first.items()}
    facts["removed_share"] = round(1.0 - sum(left.values()) / sum(first.values()), 4)
    return smaller, {**trained, **facts, "parameters_after": int(smaller.count_params())}


def chosen_units(graph: ChannelGraph, scores: Array, first: dict[Class, int], goal: float, options: Settings) -> Array:
    """Which units stay (bool): of each class the dearest, about the share `goal` of what there was at first."""
    keep, classes = np.ones(graph.units, bool), graph.classes()
    counts = {names: goal * first[names] for names in classes}
    if options.global_ranking:
        counts = _counts_of_all(classes, scores, round(goal * sum(first.values())), options.criterion == "taylor")
    for names, units in classes.items():
        count = max(options.min_channels, int(np.ceil(round(counts[names], 6))), 1)
        count = min(-(-count // options.round_to) * options.round_to, len(units))
        keep[units[np.argsort(-scores[units], kind="stable")[count:]]] = False
    return keep


def _counts_of_all(classes: dict[Class, Array], scores: Array, count: int, comparable: bool) -> dict[Class, float]:
    """How many of each class are among the `count` dearest units; scores that differ by layer are over their mean."""
    scaled = {n: scores[u] / (1.0 if comparable else max(scores[u].mean(), 1e-30)) for n, u in classes.items()}
    owners = np.repeat(np.arange(len(scaled)), [len(values) for values in scaled.values()])
    dearest = np.argsort(-np.concatenate(list(scaled.values())), kind="stable")[:count]
    return dict(zip(scaled, np.bincount(owners[dearest], minlength=len(scaled)).astype(float).tolist(), strict=True))


def without(model: Any, graph: ChannelGraph, keep: Array) -> Any:
    """The model with the units of `keep` alone; what is left of its weights is the same."""
    import tf_keras

    calls = {str(call.layer.name): call for call in graph.calls}

    def clone(layer: Any) -> Any:
        if hasattr(layer, "layers"):
            return tf_keras.models.clone_model(layer)
        return type(layer).from_config(smaller_config(layer, keep[calls[layer.name].units]))

    made = tf_keras.models.clone_model(model, clone_function=clone)
    for layer in made.layers:
        call = calls[str(layer.name)]
        rows = keep[call.sources[0]] if call.sources else np.ones(0, bool)
        layer.set_weights(smaller_weights(call.layer, rows, keep[call.units]))
    return made


def _told(graph: ChannelGraph) -> str:
    return "; ".join(f"{name} is kept, for {why}" for name, why in graph.protected().items()) or "none has channels"
