"""ARG_MAX: where the largest value along an axis stands, as int32; the first of equals."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._extreme import arg_code, arg_shapes
from .base import Kernel, LayerCode, Operator


def emit(graph: Graph, op: Op) -> LayerCode:
    """The portable kernel."""
    return arg_code(graph, op, "tg_arg_max_s8")


OPERATOR = Operator(
    kind="ARG_MAX",
    resolver="AddArgMax",
    limits="one constant axis; int32 results",
    shapes=arg_shapes,
    inputs=(2, 2),
    kernels=(Kernel("arg_max_s8", "arg_extreme.h", emit, converts=True),),
)
