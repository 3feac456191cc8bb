"""FULLY_CONNECTED: weights [O, I] quantized as a whole or per output channel, optional bias, fused activation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..flatbuffer import Table
from ..graph.ir import Graph, Op, constant
from ._convolution import bias_of, check_bias
from ._fixed_point import channel_multipliers, checked_multiplier
from ._matmul import matmul_code
from ._packed_weights import packed_kernels
from ._product_weights import product_kernels
from ._sums import check_bias_type, is_wide
from ._ways_out import AGAIN
from .base import FUSED, Kernel, LayerCode, Operator, Shape, bad_layer, per_tensor, unsupported

BIAS_TOLERANCE = 0.02
#: The most bytes on any core of the kernels that read compressed weights.
PACKED_BYTES = {"sparse": 444, "lut": 688, "sparse_lut": 668}
#: The same by the bits of a code of product quantization.
PRODUCT_BYTES = {4: 628, 8: 380}


@dataclass(frozen=True)
class FullyConnected:
    """FullyConnectedOptions."""

    fused: int
    weights_format: int
    keep_num_dims: bool
    bias_type: int


def read(options: Table) -> FullyConnected:
    """FullyConnectedOptions."""
    return FullyConnected(options.int8(0), options.int8(1), options.bool(2), options.int8(4))


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """[rows, O], or the input's leading dimensions and O where they are kept."""
    x, w = graph.input(op, 0), graph.input(op, 1)
    if op.attrs.weights_format != 0:
        raise unsupported(op, "shuffled weights are not supported", AGAIN)
    if len(w.shape) != 2 or w.data is None or w.dtype != "int8":
        raise bad_layer(op, f"needs constant int8 weights [O, I], has {w.shape} {w.dtype}")
    out_c, depth = w.shape
    if x.size % depth:
        raise bad_layer(op, f"an input of {x.size} values is no multiple of the weights' depth {depth}")
    check_bias(graph, op, out_c, int16=("int32", "int64"))
    check_bias_type(op, op.attrs.bias_type)
    if op.attrs.keep_num_dims:
        if not x.shape or x.shape[-1] != depth:
            raise bad_layer(op, f"the input's last dimension {x.shape[-1:]} is not the weights' depth {depth}")
        return ((*x.shape[:-1], out_c),)
    return ((x.size // depth, out_c),)


def macs(graph: Graph, op: Op) -> int:
    """Multiplications."""
    return graph.output(op).size * graph.input(op, 1).shape[1]


def emit(graph: Graph, op: Op) -> LayerCode:
    """The call of the matrix kernel; one multiplier where the weights have one scale.

    TFLM takes the product of the input's and the weights' scale in double, with a bias and without.
    """
    x, w, y = graph.input(op, 0), graph.input(op, 1), graph.output(op)
    out_c = w.shape[0]
    if w.quant is not None and w.quant.per_channel:
        multiplier, shift = channel_multipliers(op, x, w, y, out_c, axis=0)
    else:
        in_scale, _ = per_tensor(op, x)
        w_scale, w_zero_point = per_tensor(op, w)
        if w_zero_point:
            raise bad_layer(op, "its weights have a zero point; only symmetric weights are defined")
        out_scale, _ = per_tensor(op, y)
        _check_bias_scale(graph, op, in_scale * w_scale, out_scale)
        pair = checked_multiplier(op, in_scale * w_scale / out_scale)
        multiplier, shift = np.array(pair[:1], np.int32), np.array(pair[1:], np.int8)
    bias = bias_of(graph, op, out_c)
    return matmul_code(op, x, y, constant(w), bias, multiplier, shift, wide=is_wide(graph, op))


def _check_bias_scale(graph: Graph, op: Op, product: float, out_scale: float) -> None:
    """TFLM refuses a bias whose scale is not the product's; one without a scale counts as 0."""
    bias = graph.optional(op, 2)
    if bias is None:
        return
    scale = bias.quant.scale if bias.quant else 0.0
    if abs(product - scale) / out_scale > BIAS_TOLERANCE:
        raise bad_layer(op, f"its bias has scale {scale}, needed input scale times weight scale, {product}")


OPERATOR = Operator(
    kind="FULLY_CONNECTED",
    resolver="AddFullyConnected",
    fused=FUSED,
    limits="constant weights and bias; the bias's scale is input's times weights'",
    read=read,
    shapes=shapes,
    macs=macs,
    inputs=(2, 3),
    kernels=(
        Kernel("matmul_s8", "matmul.h", emit),
        Kernel("matmul_s16", "matmul_s16.h", emit, dtypes=("int16",)),
        *packed_kernels("matmul", emit, PACKED_BYTES),
        *product_kernels(emit, PRODUCT_BYTES),
    ),
)
