"""Takes the shape tensor from RESHAPE: the file states the output's shape, so what computes it at run time is dead.

The converter writes SHAPE, STRIDED_SLICE and PACK in front of a RESHAPE where the batch was not fixed.
"""

from __future__ import annotations

from dataclasses import replace

from ..graph.ir import Graph


def forget_shape_inputs(graph: Graph) -> Graph:
    """The graph with every RESHAPE reading its data alone."""
    ops = (replace(op, inputs=op.inputs[:1]) if op.kind == "RESHAPE" else op for op in graph.ops)
    return replace(graph, ops=tuple(ops))
