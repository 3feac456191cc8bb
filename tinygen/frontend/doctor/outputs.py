"""The model's end: softmax twice, on one value, on logits too coarse for it, or missing where classes are asked for."""

from __future__ import annotations

import math

from ...finding import Finding
from ...graph.ir import Graph, Op

_VIEWS = frozenset({"RESHAPE", "SQUEEZE", "EXPAND_DIMS"})
_PROBABILITIES = frozenset({"SOFTMAX", "LOGISTIC"})
#: One int8 step of the logits: e^1, so that neighbouring values are 2.7 times as likely, or 0.27 and 0.73.
_COARSE = 1.0


def softmax_findings(graph: Graph) -> list[Finding]:
    """What the file shows of its softmax layers."""
    found = []
    for op in graph.ops:
        if op.kind != "SOFTMAX" or not op.inputs or op.inputs[0] < 0:
            continue
        before, x = _before(graph, op), graph.tensors[op.inputs[0]]
        if x.shape and x.shape[-1] == 1:
            text = "softmax over one value is always 1."
            found.append(Finding("softmax", "warning", op.name, 1.0, "values", text, "A sigmoid, or two outputs."))
        elif before is not None and before.kind in _PROBABILITIES:
            classes = x.shape[-1] if x.shape else 1
            most = math.e / (math.e + classes - 1)
            text = f"takes probabilities ({before.name}), not logits: no class can come out above {most:.2f}."
            found.append(Finding("softmax", "warning", op.name, most, "probability", text, "Take one of the two away."))
        elif x.quant is not None and x.dtype == "int8" and x.quant.scale * _beta(op) > _COARSE:
            step = x.quant.scale * _beta(op)
            text = f"its logits move in steps of {step:.3g}: probabilities are coarse or saturate."
            hint = (
                "Logits this large mean unscaled inputs or overfitting: scale the data, or regularise the last layer."
            )
            found.append(Finding("softmax", "warning", op.name, step, "logit", text, hint))
    return found


def missing_softmax(graph: Graph, classes: bool) -> list[Finding]:
    """Logits as output where y holds class indices: right for the largest, wrong for a threshold."""
    if not classes or len(graph.outputs) != 1:
        return []
    y = graph.tensors[graph.outputs[0]]
    last = graph.producers.get(graph.outputs[0])
    while last is not None and last.kind in _VIEWS | {"QUANTIZE", "DEQUANTIZE"}:
        last = graph.producers.get(last.inputs[0])
    values = math.prod(y.shape)
    if last is None or last.kind in _PROBABILITIES or values < 2 or y.quant is None or y.dtype != "int8":
        return []
    low, high = ((q - y.quant.zero_point) * y.quant.scale for q in (-128, 127))
    if low >= -0.01 and high <= 1.01:
        return []
    text = f"its outputs are logits from {low:.3g} to {high:.3g}: the largest is right, a threshold on them is not."
    hint = "Add a Softmax layer after training with from_logits=True, where probabilities are wanted."
    return [Finding("logits", "note", last.name, high, "logit", text, hint)]


def _before(graph: Graph, op: Op) -> Op | None:
    """What makes the layer's input, seen through views."""
    before = graph.producers.get(op.inputs[0])
    while before is not None and before.kind in _VIEWS | {"QUANTIZE"}:
        before = graph.producers.get(before.inputs[0])
    return before


def _beta(op: Op) -> float:
    return float(getattr(op.attrs, "beta", 1.0))
