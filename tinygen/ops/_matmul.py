"""Rows of activations times a matrix of weights: fully connected layers and 1×1 convolutions share the kernel."""

from __future__ import annotations

import numpy as np

from ..graph.ir import Array, Op, Tensor
from ._fixed_point import activation_range, wrap32
from ._sums import requantization, sums, weight_sums
from .base import Const, Constant, In, LayerCode, Out, per_tensor


def matmul_code(
    op: Op, x: Tensor, y: Tensor, weights: Array, bias: Array, multiplier: Array, shift: Array, *, wide: bool
) -> LayerCode:
    """The call for y[rows, O] = requantize(x[rows, I] · weights[O, I]ᵀ + bias).

    The input's zero point is folded into the bias: Σ w·(x − z) = Σ w·x − z·Σ w, modulo 2^32 as the reference's
    accumulators wrap. `multiplier` and `shift` hold one value for the layer or one an output channel. int16 sums in
    64 bits where it is `wide`.
    """
    low, high = activation_range(op, op.attrs.fused, y)
    _, in_zero_point = per_tensor(op, x)
    _, out_zero_point = per_tensor(op, y)
    out_c, depth = weights.shape
    folded = bias.astype(object) - in_zero_point * weights.astype(np.int64).sum(axis=1).astype(object)
    channel_step = 1 if len(multiplier) > 1 else 0
    fields: tuple[tuple[str, int], ...] = (("rows", y.size // out_c), ("depth", depth), ("out_c", out_c))
    fields += (("channel_step", channel_step),)
    if x.dtype == "int16":
        packed = sums(op, weight_sums(weights, 0), folded, multiplier, shift, wide=wide)
        fields += (("wide", int(wide)), *packed.fields)
        constants = packed.constants
    else:
        constants = requantization(wrap32(folded).astype(np.int32), multiplier, shift)
    return LayerCode(
        function="tg_matmul_s16" if x.dtype == "int16" else "tg_matmul_s8",
        struct="tg_matmul_s16_params" if x.dtype == "int16" else "tg_matmul_params",
        params=(
            *fields,
            ("output_zero_point", out_zero_point),
            ("activation_min", low),
            ("activation_max", high),
        ),
        constants=(Constant("weights", "int8_t", weights), *constants),
        args=(In(), Const("weights"), Const("bias"), Const("multiplier"), Const("shift"), Out()),
    )
