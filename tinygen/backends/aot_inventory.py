"""What a rendered model is made of, for its planned price: functions, calls, and bytes of constant data."""

from __future__ import annotations

from .. import __version__
from ..costs import Inventory
from ..graph.ir import Graph
from ..graph.plan import MemoryPlan
from ..ops.lowering import Layer
from .aot import NAME_LENGTH, QUANTIZED_RANGE, ModelInfo, layer_names, short
from .constants import pool
from .guards import guard_rows


def inventory(graph: Graph, layers: tuple[Layer, ...], info: ModelInfo, plan: MemoryPlan | None = None) -> Inventory:
    """What the rendered model is made of, for its planned price; constants of layers are the weights, counted apart.

    `plan` tells a checked build's guard zones.
    """
    codes = [layer.code for layer in layers if layer.code is not None]
    tensors = [graph.tensors[i] for i in (*graph.inputs, *graph.outputs)]
    tables = pool(graph, layers, layer_names(layers)).tables_bytes
    strings = [
        info.name,
        info.version,
        graph.sha256,
        __version__,
        *(short(t.name, NAME_LENGTH) for t in tensors),
        *info.labels,
    ]
    zones = len(guard_rows(graph, layers, plan, info.name)) if plan else 0
    if zones:
        strings += [short(layer.op.name, NAME_LENGTH) for layer in layers if not layer.is_view]
    text = sum(_round4(len(s.encode()) + 1) for s in strings)
    shapes = sum(4 * max(1, len(t.shape)) for t in tensors)
    preprocess = sum(4 * len(v) for v in (info.preprocess.mean, info.preprocess.std)) if info.preprocess else 0
    descriptors = 40 + 32 * len(tensors) + shapes + 4 * len(info.labels) + preprocess
    inputs = [graph.tensors[i] for i in graph.inputs]
    outputs = [graph.tensors[i] for i in graph.outputs]
    return Inventory(
        functions=tuple(code.function for code in codes),
        call_arguments=tuple(len(code.args) + bool(code.struct) for code in codes),
        data_bytes=tables + text + descriptors + sum(code.params_bytes for code in codes),
        inputs=len(inputs),
        outputs=len(outputs),
        quantized_inputs=sum(t.dtype in QUANTIZED_RANGE and t.quant is not None for t in inputs),
        quantized_outputs=sum(t.dtype in QUANTIZED_RANGE and t.quant is not None for t in outputs),
        preprocessed=info.preprocess is not None,
        states=len(graph.states),
        guards=zones,
    )


def _round4(n: int) -> int:
    return -(-n // 4) * 4
