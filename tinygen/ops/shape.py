"""SHAPE: the extents of a tensor as int32; they are known, so that they are copied from flash."""

from __future__ import annotations

import numpy as np

from ..graph.ir import ITEM_BYTES, Graph, Op
from .base import Const, Constant, Kernel, LayerCode, Operator, Out, Shape, unsupported


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """One value a dimension."""
    rank = len(graph.input(op, 0).shape)
    if rank == 0:
        raise unsupported(op, "the shape of a single value is not supported")
    return ((rank,),)


def emit(graph: Graph, op: Op) -> LayerCode:
    """A copy of the extents."""
    if graph.output(op).dtype != "int32":
        raise unsupported(
            op,
            f"a shape as {graph.output(op).dtype} is not supported, only as int32",
            "out_type=tf.int32 in the model.",
        )
    extents = np.array(graph.input(op, 0).shape, np.int32)
    return LayerCode(
        function="tg_copy",
        constants=(Constant("extents", "int32_t", extents),),
        args=(Const("extents"), Out(), extents.nbytes),
    )


OPERATOR = Operator(
    kind="SHAPE",
    resolver="AddShape",
    limits="int32 results; at least one dimension",
    shapes=shapes,
    kernels=(Kernel("copy", "copy.h", emit, dtypes=tuple(ITEM_BYTES), converts=True),),
)
