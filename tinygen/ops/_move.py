"""Copies between strided layouts: loops joined as far as they go, bytes that lie side by side in one chunk."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..graph.ir import ITEM_BYTES, Array, Graph, Op
from ._ways_out import CONSTANT
from .base import Shape, bad_layer, unsupported

LOOPS = 6
#: Values that a parameter tensor may hold: SPLIT_V has one for each of its outputs.
MAX_PARAMETERS = 1024
TYPES = ("int8", "uint8", "int16", "int32", "float32", "int64", "bool")

Fields = tuple[tuple[str, int | tuple[int, ...]], ...]


def contiguous(shape: Sequence[int]) -> tuple[int, ...]:
    """Strides of a dense tensor, in elements."""
    return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))


def move_fields(
    op: Op, dtype: str, size: Shape, x_stride: Shape, y_stride: Shape, x_start: int = 0, y_start: int = 0
) -> Fields:
    """The fields of tg_move_params; strides and starts are given in elements."""
    joined: list[tuple[int, int, int]] = []  # outermost first: size, stride in x, stride in y
    for entry in zip(size, x_stride, y_stride):
        count, a, b = entry
        if count == 1:
            continue
        if joined and joined[-1][1] == a * count and joined[-1][2] == b * count:
            joined[-1] = (joined[-1][0] * count, a, b)
        else:
            joined.append(entry)
    item = ITEM_BYTES[dtype]
    chunk = item
    if joined and joined[-1][1:] == (1, 1):
        chunk = item * joined.pop()[0]
    if len(joined) > LOOPS:
        raise unsupported(op, f"moving {size} in more than {LOOPS} loops is not supported")
    joined = [(1, 0, 0)] * (LOOPS - len(joined)) + joined
    return (
        ("chunk", chunk),
        ("size", tuple(n for n, _, _ in joined)),
        ("x_stride", tuple(a * item for _, a, _ in joined)),
        ("y_stride", tuple(b * item for _, _, b in joined)),
        ("x_start", x_start * item),
        ("y_start", y_start * item),
    )


def constant_ints(graph: Graph, op: Op, index: int, what: str, dtypes: tuple[str, ...] = ("int32",)) -> list[int]:
    """The values of a parameter tensor of one of `dtypes`, which must be constant."""
    tensor = graph.input(op, index)
    if tensor.data is None:
        raise unsupported(op, f"{what} known only at run time are not supported", CONSTANT)
    if tensor.dtype not in dtypes or len(tensor.shape) > 2 or tensor.size > MAX_PARAMETERS:
        raise bad_layer(op, f"its {what} are {tensor.dtype} of shape {tensor.shape}, needed {' or '.join(dtypes)}")
    data: Array = tensor.data
    return [int(value) for value in data.reshape(-1)]
