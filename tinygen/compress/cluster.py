"""Weight clustering: a layer's weights share a few values, which the firmware stores once, with a short code a weight.

Deep Compression's weight sharing (Han, Mao, Dally, 2016) through tensorflow-model-optimization. "hessian" chooses the
values by k-means weighted with the loss's second derivatives (Choi, El-Khamy, Lee, "Towards the Limit of Network
Quantization", 2017), whose diagonal is approximated by squared gradients.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from ..errors import BadInput
from ._kernels import LARGE_KERNELS, check_skip, copied, large_kernels
from ._shared_values import (
    channel_gains,
    kernel_of,
    set_centroids,
    shared_integers,
    weighted_centroids,
    with_gain,
)
from ._signs import positive_scales
from .registry import TrainOptions
from .task import Task
from .training import Context, TrainingData, label_loss, train

Array = npt.NDArray[Any]


class Settings(TrainOptions):
    """`values` is how many values the weights of a layer share; 16 make codes of 4 bits.

    `method` chooses the first ones: "kmeans", "linear" or "density" of tensorflow-model-optimization, or "hessian",
    weighted by squared gradients on `samples` of the training data; all are trained on. With `channel_gains` each
    output channel has a factor of its own beside the shared values, so that the int8 layer holds at most `values`
    integers; without, the float weights of a layer are at most `values` numbers, and its int8 ones are more where each
    channel has a scale. `preserve_sparsity` keeps zeros. Layers in `skip` or with fewer than `min_weights` are left.
    """

    epochs: int = Field(15, gt=0)
    learning_rate: float = Field(5e-4, gt=0, allow_inf_nan=False)
    values: int = Field(16, ge=4, le=16)
    method: Literal["kmeans", "linear", "density", "hessian"] = "kmeans"
    channel_gains: bool = True
    preserve_sparsity: bool = True
    samples: int = Field(256, gt=0)
    min_weights: int = Field(64, ge=1)
    skip: tuple[str, ...] = ()


def apply(model: Any, data: TrainingData, options: Settings, context: Context) -> tuple[Any, dict[str, Any]]:
    """The clustered model; facts name each layer's count of distinct integers (and floats), and what was left."""
    check_skip(model, options.skip, "cluster")
    tuned = positive_scales(copied(model))
    found = large_kernels(tuned)
    chosen = {
        str(layer.name): kernel
        for layer, kernel in found
        if layer.name not in options.skip and np.prod(kernel.shape) >= options.min_weights
    }
    if not chosen:
        raise BadInput("cluster: no layer can be clustered.", "Dense and convolution layers of `min_weights` can.")
    importance = _importance(tuned, chosen, data, options, context) if options.method == "hessian" else {}
    wrappers: dict[str, Any] = {}
    wrapped = _wrapped(tuned, chosen, wrappers, importance, options)
    facts = train(wrapped, data, options, context, task=context.task, label="cluster")
    values, floats = {}, {}
    for layer, kernel in found:
        if (name := str(layer.name)) in wrappers:
            inner, attribute = wrappers[name].layer, LARGE_KERNELS[type(layer).__name__]
            integers = shared_integers(wrappers[name], attribute, options.channel_gains)
            for other in ("bias", "depthwise_kernel"):
                if getattr(layer, other, None) is not None:
                    getattr(layer, other).assign(getattr(inner, other))
            kernel.assign(kernel_of(integers, inner.gain.numpy()))
            values[name], floats[name] = len(np.unique(integers)), len(np.unique(kernel.numpy()))
    left = [str(layer.name) for layer, _ in found if layer.name not in wrappers]
    return tuned, {**facts, "values": values, "float_values": floats, "left": left}


def _wrapped(
    model: Any, chosen: dict[str, Any], wrappers: dict[str, Any], importance: dict[str, Array], options: Settings
) -> Any:
    """The model with its chosen layers in ClusterWeights, which are collected by name in `wrappers`."""
    import tensorflow_model_optimization as tfmot
    import tf_keras

    clustering = tfmot.clustering.keras
    ways = clustering.CentroidInitialization
    way = {"kmeans": ways.KMEANS_PLUS_PLUS, "density": ways.DENSITY_BASED}.get(options.method, ways.LINEAR)

    def wrap(layer: Any) -> Any:
        if hasattr(layer, "layers"):
            return tf_keras.models.clone_model(layer, clone_function=wrap)
        if layer.name not in chosen:
            return layer
        attribute, kernel = LARGE_KERNELS[type(layer).__name__], chosen[layer.name].numpy()
        gains = channel_gains(kernel, options.channel_gains)
        zeros = options.preserve_sparsity and bool((kernel == 0).any())
        inner = with_gain(layer, attribute, gains, options.channel_gains)
        # k-means++ draws from the positive and the negative weights apart, and fails where it finds too few.
        few = min(len(np.unique(kernel[kernel > 0])), len(np.unique(kernel[kernel < 0]))) < options.values
        start = ways.LINEAR if few else way
        wrapper = clustering.cluster_weights(inner, options.values, start, preserve_sparsity=zeros)
        wrapper.build(layer.get_input_shape_at(0))
        centroids = wrapper.cluster_centroids[attribute].numpy()
        if layer.name in importance:
            weights = (importance[layer.name] * gains.astype(np.float64) ** 2).reshape(-1)
            centroids = weighted_centroids((kernel / gains).reshape(-1), weights, len(centroids), zeros)
        set_centroids(wrapper, attribute, centroids, zeros)
        wrappers[str(layer.name)] = wrapper
        return wrapper

    return tf_keras.models.clone_model(model, clone_function=wrap)


def _importance(
    model: Any, chosen: dict[str, Any], data: TrainingData, options: Settings, context: Context
) -> dict[str, Array]:
    picked = np.random.default_rng(context.seed).permutation(len(data.x))[: options.samples]
    squares = squared_gradients(model, list(chosen.values()), data.x[picked], data.y[picked], context.task)
    return dict(zip(chosen, squares, strict=True))


def squared_gradients(model: Any, kernels: list[Any], x: Array, y: Array, task: Task) -> list[Array]:
    """The mean over samples of each weight's squared gradient, at least a thousandth of the kernel's mean."""
    import tensorflow as tf

    loss, targets = label_loss(task), task.targets(y)

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def slopes(one: Any, target: Any) -> Any:
        with tf.GradientTape() as tape:
            lost = tf.reduce_sum(loss(target, model(one, training=False)))
        return [tf.square(slope) for slope in tape.gradient(lost, kernels)]

    totals = [np.zeros(tuple(kernel.shape)) for kernel in kernels]
    for i in range(len(x)):
        squares = slopes(tf.constant(x[i : i + 1]), tf.constant(targets[i : i + 1]))
        for total, square in zip(totals, squares, strict=True):
            total += square.numpy()
    return [np.maximum(total / len(x), max(1e-3 * total.mean() / len(x), 1e-30)) for total in totals]
