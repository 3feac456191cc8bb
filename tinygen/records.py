"""What is written down of a compiled model: the project's manifest and the inspection's JSON."""

from __future__ import annotations

from typing import Any, Literal

from . import __version__
from .backends import aot
from .boards import BoardProfile
from .compiled import Compiled, Model
from .graph.ir import HANDLE, Graph
from .ops import operators
from .ops.lowering import Layer, saved_bytes
from .project import LayerRecord, Manifest, ModelRecord, PlanRecord, Runtime, TensorRecord

Optimize = Literal["speed", "balanced", "size"]
Tools = Literal["gcc", "zig"] | None


def manifest_of(compiled: Compiled, *, optimize: Optimize, toolchain: Tools, runtime: Runtime = "aot") -> Manifest:
    """The manifest of a project with tinygen's own kernels; its `files` are filled in when the project is written."""
    return Manifest(
        tinygen=__version__,
        runtime=runtime,
        board=compiled.board.name,
        optimize=optimize,
        toolchain=toolchain,
        checked=compiled.checked,
        model=model_record(compiled.model, compiled.graph),
        plan=PlanRecord(
            arena_bytes=compiled.plan.arena_bytes,
            arena_lower_bound_bytes=compiled.plan.lower_bound_bytes,
            state_bytes=compiled.state_bytes,
            weights_bytes=compiled.weights_bytes,
            layers=tuple(_layer_record(compiled, layer) for layer in compiled.layers),
        ),
        preprocess=compiled.model.preprocess,
        files={},
    )


def tflm_manifest(
    model: Model, graph: Graph, board: BoardProfile, arena_bytes: int, *, optimize: Optimize, toolchain: Tools
) -> Manifest:
    """The manifest of a TFLite Micro project: layers as the interpreter runs them."""
    layers = []
    for index, op in enumerate(graph.ops):
        y = graph.output(op) if op.outputs else None
        known = operators().get(op.kind)
        macs = known.macs(graph, op) if known and op.attrs is not None else 0
        weights = sum(graph.tensors[i].nbytes for i in op.inputs if i >= 0 and graph.tensors[i].data is not None)
        layers.append(
            LayerRecord(
                index=index,
                name=op.name,
                op=op.kind,
                kernel="tflm",
                tensors=op.outputs,
                output_shape=y.shape if y else (),
                output_bytes=y.nbytes if y and y.dtype != HANDLE else 0,
                arena_offset=None,
                macs=macs,
                weights_bytes=weights,
            )
        )
    return Manifest(
        tinygen=__version__,
        runtime="tflm",
        board=board.name,
        optimize=optimize,
        toolchain=toolchain,
        model=model_record(model, graph),
        plan=PlanRecord(
            arena_bytes=arena_bytes,
            arena_lower_bound_bytes=0,
            state_bytes=sum(v.nbytes for v in graph.variables) + sum(graph.tensors[i].nbytes for i in graph.in_state),
            weights_bytes=len(model.tflite),
            layers=tuple(layers),
        ),
        preprocess=model.preprocess,
        files={},
    )


def model_record(model: Model, graph: Graph) -> ModelRecord:
    """The model and its ends."""
    return ModelRecord(
        name=model.name,
        version=model.version,
        file=f"model/{model.name}.tflite",
        sha256=graph.sha256,
        labels=model.labels,
        inputs=tuple(tensor_record(graph, i) for i in graph.inputs),
        outputs=tuple(tensor_record(graph, i) for i in graph.outputs),
    )


def tensor_record(graph: Graph, index: int) -> TensorRecord:
    """An input or output for the manifest."""
    tensor = graph.tensors[index]
    return TensorRecord(
        name=tensor.name,
        dtype=tensor.dtype,
        shape=tensor.shape,
        bytes=tensor.nbytes,
        scale=tensor.quant.scale if tensor.quant else None,
        zero_point=tensor.quant.zero_point if tensor.quant else None,
    )


def _layer_record(compiled: Compiled, layer: Layer) -> LayerRecord:
    y = compiled.graph.output(layer.op)
    in_state = layer.op.outputs[0] in compiled.graph.in_state
    return LayerRecord(
        index=layer.index,
        name=layer.op.name,
        op=layer.op.kind,
        kernel=layer.kernel_name,
        tensors=tuple(i if i < compiled.graph.file_tensors else -1 for i in layer.op.outputs),
        output_shape=y.shape,
        output_bytes=y.nbytes,
        arena_offset=None if in_state else compiled.plan.offset_of(layer.op.outputs[0]),
        macs=layer.macs,
        weights_bytes=aot.layer_weights_bytes(layer, compiled.graph),
    )


def inspection(compiled: Compiled) -> dict[str, Any]:
    """The "tinygen.inspect/1" object."""
    records = [_layer_record(compiled, layer) for layer in compiled.layers]
    savings = [saved_bytes(layer, compiled.graph) for layer in compiled.layers]
    return {
        "schema": "tinygen.inspect/1",
        "model": compiled.model.name,
        "sha256": compiled.graph.sha256,
        "board": compiled.board.name,
        "macs": sum(r.macs for r in records),
        "weights_bytes": compiled.weights_bytes,
        "arena_bytes": compiled.plan.arena_bytes,
        "arena_lower_bound_bytes": compiled.plan.lower_bound_bytes,
        "arena_scratch_bytes": compiled.plan.scratch_bytes,
        "arena_padding_bytes": compiled.plan.padding_bytes,
        "state_bytes": compiled.state_bytes,
        "inputs": [tensor_record(compiled.graph, i).model_dump(mode="json") for i in compiled.graph.inputs],
        "outputs": [tensor_record(compiled.graph, i).model_dump(mode="json") for i in compiled.graph.outputs],
        "layers": [
            {
                "name": r.name,
                "op": r.op,
                "output_shape": list(r.output_shape),
                "macs": r.macs,
                "weights_bytes": r.weights_bytes,
                "dense_weights_bytes": r.weights_bytes + saved,
                "kernel": r.kernel,
                "arena_offset": r.arena_offset,
                "output_bytes": r.output_bytes,
            }
            for r, saved in zip(records, savings, strict=True)
        ],
    }
