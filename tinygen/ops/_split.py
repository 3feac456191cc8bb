"""A tensor parted along an axis: what SPLIT, SPLIT_V and UNPACK share."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from ..graph.ir import ITEM_BYTES, Graph, Op, Tensor
from ._move import constant_ints
from .base import Arg, In, Kernel, LayerCode, Out, bad_layer, unsupported

MAX_OUTPUTS = 10
TYPES = ("int8", "int16", "int32", "float32")


def axis_of(op: Op, axis: int, rank: int) -> int:
    """The axis counted from the front; BadInput where there is none such."""
    if not -rank <= axis < rank:
        raise bad_layer(op, f"axis {axis} is not one of {rank} dimensions")
    return axis % rank


def constant_axis(graph: Graph, op: Op, index: int, x: Tensor) -> int:
    """The axis that input `index` holds, counted from the front."""
    axes = constant_ints(graph, op, index, "axes")
    if len(axes) != 1:
        raise bad_layer(op, f"needs one axis, has {axes}")
    return axis_of(op, axes[0], len(x.shape))


def split_kernel(parts: Callable[[Graph, Op], tuple[int, Sequence[int]]], data_input: int) -> Kernel:
    """The kernel; `parts` gives the axis and the extent of each output along it. Nothing is rescaled, as in TFLM."""

    def emit(graph: Graph, op: Op) -> LayerCode:
        x = graph.input(op, data_input)
        axis, extents = parts(graph, op)
        if len(extents) > MAX_OUTPUTS:
            raise unsupported(op, f"parting into {len(extents)} tensors, more than {MAX_OUTPUTS}, is not supported")
        row = math.prod(x.shape[axis + 1 :]) * ITEM_BYTES[x.dtype]
        spare = (0,) * (MAX_OUTPUTS - len(extents))
        outputs: tuple[Arg, ...] = tuple(Out(i) for i in range(len(extents)))
        return LayerCode(
            function="tg_split",
            struct="tg_split_params",
            params=(
                ("outputs", len(extents)),
                ("rows", math.prod(x.shape[:axis])),
                ("bytes", (*(n * row for n in extents), *spare)),
            ),
            args=(In(data_input), *outputs, *spare),
        )

    return Kernel("split", "split.h", emit, dtypes=TYPES)
