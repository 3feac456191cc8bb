"""Folds a PAD into the convolution behind it: its loops leave the padded taps out instead of reading them.

A padded value equals the zero point that the convolution subtracts, so those taps add nothing to the accumulator.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from ..graph.ir import Graph, Op
from ..ops._pad import pad_value, paddings
from ..ops._window import Window
from .rewrite import same_values

#: Where the height and width of a convolution's weights stand.
_SPATIAL = (1, 2)


def fold_padding(graph: Graph) -> Graph:
    """The graph without the PADs whose only reader is a convolution that can do their work."""
    reads = Counter(i for op in graph.ops for i in op.inputs)
    pads = {
        op.outputs[0]: op
        for op in graph.ops
        if op.kind in ("PAD", "PADV2") and reads[op.outputs[0]] == 1 and op.outputs[0] not in graph.outputs
    }
    folded: set[int] = set()
    ops = []
    for op in graph.ops:
        pad = pads.get(op.inputs[0]) if op.kind in ("CONV_2D", "DEPTHWISE_CONV_2D") else None
        if pad is not None and _adds_nothing(graph, pad) and _stays_within(graph, pad, op):
            folded.update(pad.outputs)
            op = _padded(graph, pad, op)
        ops.append(op)
    return replace(graph, ops=tuple(op for op in ops if folded.isdisjoint(op.outputs)))


def _adds_nothing(graph: Graph, pad: Op) -> bool:
    """Whether only rows and columns are added, and their value is the zero point."""
    x, y = graph.input(pad, 0), graph.output(pad)
    if len(x.shape) != 4 or x.dtype not in ("int8", "int16") or x.data is not None or y.quant is None:
        return False
    if not same_values(graph, pad.inputs[0], pad.outputs[0]) or y.quant.per_channel:
        return False
    batch, _, _, channels = paddings(graph, pad)
    return batch == channels == (0, 0) and pad_value(graph, pad) == y.quant.zero_point


def _stays_within(graph: Graph, pad: Op, conv: Op) -> bool:
    """Whether every window still has a tap's room in the image: kernels count on it."""
    window: Window = conv.attrs
    taps = graph.input(conv, 1).shape
    reaches = [(taps[d] - 1) * n + 1 for d, n in zip(_SPATIAL, (window.dilation_h, window.dilation_w))]
    around = paddings(graph, pad)[1:3]
    return window.around_h == window.around_w == (0, 0) and all(max(a) < r for a, r in zip(around, reaches))


def _padded(graph: Graph, pad: Op, conv: Op) -> Op:
    rows, columns = paddings(graph, pad)[1:3]
    window = replace(conv.attrs, around_h=rows, around_w=columns)
    return replace(conv, inputs=(pad.inputs[0], *conv.inputs[1:]), attrs=window)
