"""Drops layers that change nothing: a RESHAPE to the same shape, a QUANTIZE to the same type, scale and zero point.

TFLM requantizes by a ratio of exactly 1 there, the multiplier 2^30 and a left shift of 1: every value comes out as it
went in.
"""

from __future__ import annotations

from dataclasses import replace

from ..graph.ir import Graph, Op
from .rewrite import VIEWS, renamed, same_values


def drop_identities(graph: Graph) -> Graph:
    """The graph without them: who read the output reads the input instead.

    Where the output leaves the model, the layer before writes it in the input's place, if nothing outside holds that.
    """
    read_instead: dict[int, int] = {}
    write_instead: dict[int, int] = {}
    written: set[int] = set()
    kept = []
    for op in graph.ops:
        op = renamed(op, read_instead)
        x = op.inputs[0] if _is_identity(graph, op) else -1
        if x >= 0 and op.outputs[0] not in graph.outputs:
            read_instead[op.outputs[0]] = x
        elif x in written and x not in graph.outputs and x not in write_instead:
            write_instead[x] = op.outputs[0]
        else:
            kept.append(op)
            written.update(op.outputs)
    return replace(graph, ops=tuple(renamed(op, write_instead) for op in kept))


def _is_identity(graph: Graph, op: Op) -> bool:
    if op.kind not in VIEWS and op.kind != "QUANTIZE":
        return False
    x, y = graph.input(op, 0), graph.output(op)
    if x.data is not None or x.shape != y.shape or not same_values(graph, op.inputs[0], op.outputs[0]):
        return False
    return op.kind in VIEWS or (x.dtype in ("int8", "int16") and x.quant is not None and not x.quant.per_channel)
