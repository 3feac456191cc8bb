"""The larger or smaller of two values: what MAXIMUM and MINIMUM, and ARG_MAX and ARG_MIN, share."""

from __future__ import annotations

import math

from ..graph.ir import Graph, Op
from ._broadcast import loops
from ._move import constant_ints
from .base import In, LayerCode, Out, Shape, bad_layer, per_tensor, unsupported

SHORT = {"int8": "s8", "int16": "s16", "int32": "s32"}
DTYPES = tuple(SHORT)


def extreme_code(graph: Graph, op: Op, function: str) -> LayerCode:
    """The call for y = the one of a and b, element by element."""
    a, b = graph.input(op, 0), graph.input(op, 1)
    if a.dtype == "int8":
        for tensor in (a, b, graph.output(op)):
            per_tensor(op, tensor)
    return LayerCode(
        function=f"{function}_{SHORT[a.dtype]}",
        struct="tg_extreme_params",
        params=loops(op, a.shape, b.shape),
        args=(In(0), In(1), Out()),
    )


def _axis(graph: Graph, op: Op) -> int:
    rank = len(graph.input(op, 0).shape)
    axes = constant_ints(graph, op, 1, "axis")
    if len(axes) != 1 or not -rank <= axes[0] < rank:
        raise bad_layer(op, f"axis {axes} is not one of its input's {rank} dimensions")
    return axes[0] % rank


def arg_shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """The input's shape without the axis."""
    axis = _axis(graph, op)
    return (tuple(n for i, n in enumerate(graph.input(op, 0).shape) if i != axis),)


def arg_code(graph: Graph, op: Op, function: str) -> LayerCode:
    """The call for y = the place of the extreme along the axis, as int32."""
    x, axis = graph.input(op, 0), _axis(graph, op)
    if graph.output(op).dtype != "int32":
        raise unsupported(
            op,
            f"a place as {graph.output(op).dtype} is not supported, only as int32",
            "output_type=tf.int32 in the model.",
        )
    return LayerCode(
        function=function,
        struct="tg_arg_params",
        params=(
            ("outer", math.prod(x.shape[:axis])),
            ("axis", x.shape[axis]),
            ("inner", math.prod(x.shape[axis + 1 :])),
        ),
        args=(In(), Out()),
    )
