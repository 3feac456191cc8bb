"""Rows of activations times a matrix of weights: fully connected layers and 1×1 convolutions share the kernel."""

from __future__ import annotations

import numpy as np

from ..graph.ir import Array, Op, Tensor
from ._fixed_point import activation_range, wrap32
from ._sums import Packed, requantization, sums, weight_sums
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
    if x.dtype == "int16":
        found = sums(op, weight_sums(weights, 0), folded, multiplier, shift, wide=wide)
    else:
        found = Packed("s8", (), requantization(wrap32(folded).astype(np.int32), multiplier, shift))
    return LayerCode(
        function=f"tg_matmul_{found.kernel}",
        struct=f"tg_matmul_{found.struct}",
        params=(
            ("rows", y.size // out_c),
            ("depth", depth),
            ("out_c", out_c),
            ("channel_step", 1 if len(multiplier) > 1 else 0),
            ("output_zero_point", out_zero_point),
            ("activation_min", low),
            ("activation_max", high),
        ),
        constants=(Constant("weights", "int8_t", weights), *found.constants),
        args=(In(), Const("weights"), Const("bias"), Const("multiplier"), Const("shift"), Out()),
    )
