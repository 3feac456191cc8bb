"""Dynamic sparse training: as sparse from the first step as at the end, while the mask moves to better places.

SET grows weights at random (Mocanu et al., "Scalable Training of Artificial Neural Networks with Adaptive Sparse
Connectivity", 2018), RigL where the gradient is largest (Evci et al., "Rigging the Lottery", 2020).
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from ..errors import BadInput
from ._kernels import check_skip, copied, large_kernels
from ._moving_masks import first_mask, layer_densities, moved
from .registry import TrainOptions
from .task import Task
from .training import Context, TrainingData, label_loss, train

Array = npt.NDArray[Any]
#: The share of the training after which the mask stands still (Evci et al. 2020).
_MOVES_UNTIL = 0.75


class Settings(TrainOptions):
    """`sparsity` is the share of zeros over all dense and convolution kernels, at every step.

    `method` "rigl" grows weights where the gradient of one batch is largest, "set" at random. `distribution` "uniform"
    makes every layer as sparse, "erdos_renyi" leaves small layers denser. Every `update_every` steps the `drop_share`
    of a layer's least weights moves, by a cosine less and less until three quarters of the training. `start`: the first
    mask is the model's largest weights ("magnitude") or "random". `skip` names layers that stay dense.
    """

    epochs: int = Field(30, gt=0)
    sparsity: float = Field(gt=0, lt=1)
    method: Literal["rigl", "set"] = "rigl"
    distribution: Literal["uniform", "erdos_renyi"] = "erdos_renyi"
    update_every: int = Field(20, gt=0)
    drop_share: float = Field(0.3, gt=0, lt=1)
    start: Literal["magnitude", "random"] = "magnitude"
    skip: tuple[str, ...] = ()


def apply(model: Any, data: TrainingData, options: Settings, context: Context) -> tuple[Any, dict[str, Any]]:
    """The sparse model; facts name each layer's sparsity, the moves, and the share of weights that moved in all."""
    check_skip(model, options.skip, "sparse_training")
    tuned = copied(model)
    found = large_kernels(tuned, options.skip)
    if not found:
        raise BadInput("sparse_training: no layer can be sparse.", "Dense and convolution layers can.")
    kernels = [kernel for _, kernel in found]
    densities = layer_densities([tuple(k.shape) for k in kernels], options.sparsity, options.distribution)
    moves = _Moves(tuned, kernels, densities, data, options, context)
    facts = train(
        moves.masked_model(), data, options, context, task=context.task, callbacks=[moves.callback()], label="sparse"
    )
    zeros = [round(1.0 - float(mask.numpy().mean()), 4) for mask in moves.masks]
    layers = {str(layer.name): share for (layer, _), share in zip(found, zeros, strict=True)}
    return tuned, {**facts, "layer_sparsity": layers, "moves": moves.count, "moved_weights": moves.moved_weights}


class _Moves:
    """The masks of one training, as variables, and when they move."""

    def __init__(
        self,
        model: Any,
        kernels: list[Any],
        densities: list[float],
        data: TrainingData,
        options: Settings,
        context: Context,
    ) -> None:
        import tensorflow as tf

        self.model, self.kernels, self.data, self.options, self.task = model, kernels, data, options, context.task
        self.random = np.random.default_rng(context.seed)
        start = self.random if options.start == "random" else None
        firsts = [first_mask(k.numpy(), d, start) for k, d in zip(kernels, densities, strict=True)]
        self.masks = [tf.Variable(first, trainable=False, name="mask") for first in firsts]
        for kernel, first in zip(kernels, firsts, strict=True):
            kernel.assign(kernel * first)
        self.batch = min(options.batch_size, len(data.x))
        self.steps = options.epochs * int(np.ceil(len(data.x) / self.batch))
        self.step = self.count = self.moved_weights = 0

    def masked_model(self) -> Any:
        """The same layers in a model whose training step sees no gradient where the mask is 0."""
        import tensorflow as tf
        import tf_keras

        masks = {id(kernel): mask for kernel, mask in zip(self.kernels, self.masks, strict=True)}

        class Masked(tf_keras.Model):  # type: ignore[misc]
            def train_step(self, batch: Any) -> Any:
                x, y, _ = tf_keras.utils.unpack_x_y_sample_weight(batch)
                with tf.GradientTape() as tape:
                    loss = self.compute_loss(x, y, self(x, training=True))
                variables = self.trainable_variables
                slopes = tape.gradient(loss, variables)
                pairs = [(g * masks[id(v)] if id(v) in masks else g, v) for g, v in zip(slopes, variables, strict=True)]
                self.optimizer.apply_gradients(pairs)
                for variable in variables:
                    if id(variable) in masks:
                        variable.assign(variable * masks[id(variable)])
                return {"loss": loss}

        return Masked(self.model.inputs, self.model.outputs)

    def callback(self) -> Any:
        """Moves the masks after the steps at which it is time."""
        import tf_keras

        def after_step(*_: Any) -> None:
            self.step += 1
            if self.step % self.options.update_every == 0 and self.step < _MOVES_UNTIL * self.steps:
                self.move()

        return tf_keras.callbacks.LambdaCallback(on_train_batch_end=after_step)

    def move(self) -> None:
        """One move of every mask; a new weight begins at 0, one that came back keeps its value."""
        share = self.options.drop_share / 2 * (1 + np.cos(np.pi * self.step / (_MOVES_UNTIL * self.steps)))
        for kernel, mask, growth in zip(self.kernels, self.masks, self.growth(), strict=True):
            old, new = mask.numpy(), moved(mask.numpy(), kernel.numpy(), growth, share)
            mask.assign(new)
            kernel.assign(kernel * new)
            self.moved_weights += int(((new > 0) & (old == 0)).sum())
        self.count += 1

    def growth(self) -> list[Array]:
        """How much each weight is wanted: the magnitude of its gradient on one batch, or chance."""
        if self.options.method == "set":
            return [self.random.random(tuple(kernel.shape)) for kernel in self.kernels]
        chosen = self.random.choice(len(self.data.x), self.batch, replace=False)
        slopes = gradients(self.model, self.kernels, self.data.x[chosen], self.data.y[chosen], self.task)
        return [np.abs(slope) for slope in slopes]


def gradients(model: Any, kernels: list[Any], x: Array, y: Array, task: Task) -> list[Array]:
    """The mean loss's gradient for each kernel, where it is zero, too; the model at rest."""
    import tensorflow as tf

    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(label_loss(task)(task.targets(y), model(x, training=False)))
    return [slope.numpy() for slope in tape.gradient(loss, kernels)]
