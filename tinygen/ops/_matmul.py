"""Rows of activations times a matrix of weights: fully connected layers and 1×1 convolutions share the kernel."""

from __future__ import annotations

import numpy as np

from ..graph.ir import Array, Op, Tensor
from ._fixed_point import activation_range, wrap32
from .base import Const, Constant, In, LayerCode, Out, per_tensor


def matmul_code(
    op: Op, x: Tensor, y: Tensor, weights: Array, bias: Array, multiplier: Array, shift: Array, fused: int
) -> LayerCode:
    """The call for y[rows, O] = requantize(x[rows, I] · weights[O, I]ᵀ + bias).

    The input's zero point is folded into the bias: Σ w·(x − z) = Σ w·x − z·Σ w, modulo 2^32 as the reference's
    accumulators wrap. `multiplier` and `shift` hold one value for the layer or one an output channel.
    """
    low, high = activation_range(op, fused, y)
    _, in_zero_point = per_tensor(op, x)
    _, out_zero_point = per_tensor(op, y)
    out_c, depth = weights.shape
    folded = bias.astype(np.int64) - in_zero_point * weights.astype(np.int64).sum(axis=1)
    return LayerCode(
        function="tg_matmul_s8",
        struct="tg_matmul_params",
        params=(
            ("rows", y.size // out_c),
            ("depth", depth),
            ("out_c", out_c),
            ("channel_step", 1 if len(multiplier) > 1 else 0),
            ("output_zero_point", out_zero_point),
            ("activation_min", low),
            ("activation_max", high),
        ),
        constants=(
            Constant("weights", "int8_t", weights),
            Constant("bias", "int32_t", wrap32(folded).astype(np.int32)),
            Constant("multiplier", "int32_t", multiplier),
            Constant("shift", "int8_t", shift),
        ),
        args=(In(), Const("weights"), Const("bias"), Const("multiplier"), Const("shift"), Out()),
    )
