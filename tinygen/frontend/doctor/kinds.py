"""Parts of a .tflite that do not run in int8: float islands, hybrid operators, a batch that is open."""

from __future__ import annotations

from ...errors import BadInput
from ...finding import Finding
from ...flatbuffer import Damaged, root
from ...graph.ir import Graph, Op

_QUANTIZED = "Quantize it whole: `tinygen quantize MODEL --data D.npz`."
_ENDS = frozenset({"QUANTIZE", "DEQUANTIZE"})


def float_findings(graph: Graph) -> list[Finding]:
    """Hybrid operators (int8 weights, float activations), then what else computes in float32."""
    computing = [op for op in graph.ops if op.kind not in _ENDS]
    floats = [op for op in computing if any(graph.tensors[i].dtype == "float32" for i in op.outputs)]
    hybrid = [op for op in floats if _is_hybrid(graph, op)]
    found = [
        Finding(
            "hybrid-operator", "warning", op.name, None, "",
            f"{op.kind} has int8 weights and float32 activations (dynamic range quantization).", _QUANTIZED,
        )
        for op in hybrid
    ]  # fmt: skip
    rest = [op for op in floats if op not in hybrid]
    if len(floats) == len(computing) and rest and not hybrid:
        text = f"none of its {len(rest)} layers is quantized, all compute in float32."
        return [Finding("float-model", "warning", "", float(len(rest)), "layers", text, _QUANTIZED)]
    if hybrid:
        return found
    return [*found, *(_island(island) for island in _islands(graph, rest))]


def _is_hybrid(graph: Graph, op: Op) -> bool:
    """int8 constants beside a float32 input, without a DEQUANTIZE between them."""
    read = [graph.tensors[i] for i in op.inputs if i >= 0]
    is_float = any(t.dtype == "float32" and t.data is None for t in read)
    return is_float and any(t.dtype in ("int8", "uint8") and t.data is not None and t.quant is not None for t in read)


def _islands(graph: Graph, ops: list[Op]) -> list[list[Op]]:
    """The float operators that hang together, in execution order."""
    islands: list[list[Op]] = []
    for op in ops:
        joined = [island for island in islands if any(o in op.inputs for other in island for o in other.outputs)]
        merged = [*(member for island in joined for member in island), op]
        islands = [island for island in islands if island not in joined] + [merged]
    return islands


def _island(ops: list[Op]) -> Finding:
    kinds = ", ".join(dict.fromkeys(op.kind for op in ops))
    return Finding(
        "float-island", "warning", ops[0].name, float(len(ops)), "operators",
        f"computes in float32 between int8 layers ({kinds}).",
        "Replace the layer by one that TensorFlow Lite has in int8.",
    )  # fmt: skip


def open_batch(tflite: bytes, graph: Graph) -> list[Finding]:
    """A batch of any size whose shape is computed at run time: SHAPE and what hangs on it."""
    shapes = [op for op in graph.ops if op.kind == "SHAPE"]
    if not shapes or not _is_open(tflite, graph):
        return []
    return [
        Finding(
            "dynamic-batch", "warning", shapes[0].name, float(len(shapes)), "operators",
            f"the input's batch is open, {len(shapes)} SHAPE operators work it out in every inference.",
            "Fix the batch to 1 before converting; `tinygen quantize` does.",
        )
    ]  # fmt: skip


def _is_open(tflite: bytes, graph: Graph) -> bool:
    try:
        tensors = root(tflite, b"TFL3").tables(2)[0].tables(0)
        return any((tensors[i].array(7, "<i4")[:1] < 0).any() for i in graph.inputs)
    except (Damaged, IndexError) as error:
        raise BadInput(f"{graph.name}: is no whole .tflite.") from error
