"""LOG_SOFTMAX: gemmlowp's fixed point; exponentials by SOFTMAX's table, the logarithm of a row's sum as it comes."""

from __future__ import annotations

import numpy as np

from ..graph.ir import Graph, Op
from ._fixed_point import quantize_multiplier
from .base import Const, Constant, In, Kernel, LayerCode, Operator, Out, bad_layer, per_tensor, unsupported
from .softmax import INTEGER_BITS, exponentials, shapes

MAX_DEPTH = 4095  # the sum of a row is held in 12 integer bits


def emit(graph: Graph, op: Op) -> LayerCode:
    """The call over rows of the last dimension."""
    x, y = graph.input(op, 0), graph.output(op)
    if per_tensor(op, y) != (16.0 / 256.0, 127):
        raise bad_layer(op, "its output must have scale 1/16 and zero point 127")
    depth = x.shape[-1]
    if depth > MAX_DEPTH:
        raise unsupported(op, f"a row of {depth} values, more than {MAX_DEPTH}, is not supported", "Fewer classes.")
    scale, _ = per_tensor(op, x)
    table = exponentials(op, 1.0, scale)
    multiplier, shift = quantize_multiplier(min(scale * (1 << (31 - INTEGER_BITS)), (1 << 31) - 1.0))
    reverse = (1 << (31 - shift)) / multiplier
    if not reverse < 1.0:
        raise bad_layer(op, f"its input scale {scale} is below what the reference takes")
    reverse_multiplier, reverse_shift = quantize_multiplier(reverse)
    return LayerCode(
        function="tg_log_softmax_s8",
        struct="tg_log_softmax_params",
        params=(
            ("rows", x.size // depth),
            ("depth", depth),
            ("table_size", len(table)),
            ("multiplier", multiplier),
            ("shift", shift),
            ("reverse_multiplier", reverse_multiplier),
            ("reverse_shift", reverse_shift),
        ),
        constants=(Constant("exp", "int32_t", np.array(table, np.int32), table=True),),
        args=(In(), Const("exp"), Out()),
    )


OPERATOR = Operator(
    kind="LOG_SOFTMAX",
    resolver="AddLogSoftmax",
    limits=f"rows of up to {MAX_DEPTH} values; output scale 1/16, zero point 127",
    shapes=shapes,
    kernels=(Kernel("log_softmax_s8", "log_softmax.h", emit),),
)
