"""What of each tensor's int8 range its values use: outliers take it from all others, a constant needs none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ...finding import Finding
from ...graph.ir import Graph

Array = npt.NDArray[Any]
#: Layers that choose their output's range from the data; others' ranges are fixed, or their input's.
_CHOOSING = frozenset("CONV_2D DEPTHWISE_CONV_2D FULLY_CONNECTED TRANSPOSE_CONV ADD SUB MUL BATCH_MATMUL".split())
#: 99.9 % of the values on less than this share of the range: more than three of the eight bits are the outliers'.
_LEAST_SHARE = 0.1
_FEWEST = 2000


def range_findings(graph: Graph, floats: Mapping[str, Array], inputs: Array) -> list[Finding]:
    """`floats` are the layers' float values by tensor name, `inputs` the model's."""
    found = []
    if graph.inputs:
        found += _of_tensor(graph, graph.inputs[0], "input", inputs)
    for op in graph.ops:
        values = floats.get(graph.output(op).name) if len(op.outputs) == 1 else None
        if op.kind in _CHOOSING and values is not None:
            found += _of_tensor(graph, op.outputs[0], op.name, values)
    return found


def _of_tensor(graph: Graph, index: int, layer: str, values: Array) -> list[Finding]:
    tensor = graph.tensors[index]
    if tensor.quant is None or tensor.dtype != "int8" or tensor.quant.per_channel or values.dtype != np.float32:
        return []
    if len(values) > 1 and float(np.ptp(values.reshape(len(values), -1), axis=0).max()) == 0.0:
        text = "its output is the same for every representative sample: no range to quantize."
        hint = "Are the samples different ones, and does what comes before still carry something (pruning, dead ReLUs)?"
        return [Finding("zero-range", "warning", layer, 0.0, "range", text, hint)]
    if values.size < _FEWEST:
        return []
    whole = 255 * tensor.quant.scale
    low, high = np.quantile(values, (0.0005, 0.9995))
    used = float(max(high, 0.0) - min(low, 0.0))
    share = used / whole
    if share >= _LEAST_SHARE:
        return []
    text = (
        f"99.9 % of its values lie on {100 * share:.2g} % of the int8 range ({low:.3g} to {high:.3g} of {whole:.3g})."
    )
    if layer == "input":
        hint = "Outliers in the data: remove or clip those samples."
    else:
        hint = "Clip it (ReLU6), remove outliers from the data, or keep this layer in int16."
    return [Finding("outliers", "warning", layer, share, "share of range", text, hint)]
