"""Zeros in blocks of weights that lie side by side in the firmware's rows: a kernel can leave them out whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def block_mask(kernel: Array, block: tuple[int, int], sparsity: float, pooling: str) -> Array:
    """1 where a weight stays, 0 in the share `sparsity` of the blocks whose mean or largest magnitude is least.

    A kernel [..., in, out] is a matrix of one row an output; a block is block[0] weights side by side in block[1] rows,
    smaller at the ends.
    """
    matrix = np.abs(kernel.reshape(-1, kernel.shape[-1]).astype(np.float64))
    height, width = matrix.shape
    shape = (-(-height // block[0]), block[0], -(-width // block[1]), block[1])
    padding = ((0, shape[0] * block[0] - height), (0, shape[2] * block[1] - width))
    blocks = np.pad(matrix, padding).reshape(shape)
    sizes = np.pad(np.ones_like(matrix), padding).reshape(shape).sum(axis=(1, 3))
    worth = blocks.max(axis=(1, 3)) if pooling == "max" else blocks.sum(axis=(1, 3)) / sizes
    stay = max(1, round(worth.size * (1.0 - sparsity)))
    mask = np.zeros(worth.size, np.float32)
    mask[np.argsort(-worth, axis=None, kind="stable")[:stay]] = 1.0
    whole = mask.reshape(worth.shape).repeat(block[0], axis=0).repeat(block[1], axis=1)
    return np.asarray(whole[:height, :width].reshape(kernel.shape))


def block_pruning(
    kernels: Sequence[Any], schedule: Callable[[Any], tuple[Any, Any]], block: tuple[int, int], pooling: str
) -> Any:
    """A callback for `train`: masks renewed when the schedule of tensorflow-model-optimization says so, held always."""
    import tensorflow as tf
    import tf_keras

    masks = [np.ones(kernel.shape, np.float32) for kernel in kernels]
    step = 0

    def after_step(*_: Any) -> None:
        nonlocal step
        due, sparsity = schedule(tf.constant(step, tf.int64))
        for i, kernel in enumerate(kernels):
            if due:
                masks[i] = block_mask(kernel.numpy(), block, float(sparsity), pooling)
            kernel.assign(kernel * masks[i])
        step += 1

    return tf_keras.callbacks.LambdaCallback(on_train_batch_end=after_step)
