"""L2_NORMALIZATION: the values along the last dimension divided by their Euclidean length, at scale 1/128."""

from __future__ import annotations

from dataclasses import dataclass

from ..flatbuffer import Table
from ..graph.ir import Graph, Op
from ._fixed_point import RANGES
from ._ways_out import FEWER, OWN_LAYER
from .base import In, Kernel, LayerCode, Operator, Out, Shape, activation_name, bad_layer, per_tensor, unsupported

#: The sum of a row's squares must stay below 2^31; TFLM's is undefined beyond.
MAX_SQUARES = 2**31 - 1


@dataclass(frozen=True)
class L2Norm:
    """L2NormOptions."""

    fused: int


def read(options: Table) -> L2Norm:
    """L2NormOptions."""
    return L2Norm(options.int8(0))


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """The input's, of 1 to 4 dimensions."""
    shape = graph.input(op, 0).shape
    if not 1 <= len(shape) <= 4:
        raise unsupported(op, f"normalizing {len(shape)} dimensions, not 1 to 4, is not supported", FEWER)
    if activation_name(op, op.attrs.fused) != "NONE":
        raise unsupported(op, "a fused activation is not supported", OWN_LAYER)
    return (shape,)


def emit(graph: Graph, op: Op) -> LayerCode:
    """TFLM takes the output's scale to be 1/128 and its zero point 0, whatever the file says."""
    x = graph.input(op, 0)
    _, zero_point = per_tensor(op, x)
    per_tensor(op, graph.output(op))
    depth = x.shape[-1]
    low, high = RANGES["int8"]
    if depth * max(high - zero_point, zero_point - low) ** 2 > MAX_SQUARES:
        raise bad_layer(op, f"the squares of {depth} values may pass 2^31, where its arithmetic is not defined")
    return LayerCode(
        function="tg_l2_normalization_s8",
        struct="tg_l2_params",
        params=(("rows", x.size // depth), ("depth", depth), ("input_offset", -zero_point)),
        args=(In(), Out()),
    )


OPERATOR = Operator(
    kind="L2_NORMALIZATION",
    resolver="AddL2Normalization",
    limits="1 to 4 dimensions; rows whose squares stay below 2^31",
    read=read,
    shapes=shapes,
    kernels=(Kernel("l2_normalization_s8", "l2_normalization.h", emit),),
)
