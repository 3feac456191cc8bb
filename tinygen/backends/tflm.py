"""The TensorFlow Lite Micro back end: the model as an array, a resolver with its operators, an arena that fits."""

from __future__ import annotations

from typing import Any

from .. import __version__
from ..boards import BoardProfile
from ..errors import BadInput
from ..graph.ir import Graph, Tensor
from ..ops import operators
from ..project import Kind, Preprocess
from ..resources import data_dir
from .aot import QUANTIZED_RANGE, TG_TYPES
from .constants import C_TYPES
from .templating import c_comment, render
from .tflm_arena import ArenaEstimate, estimate_arena
from .tflm_array import array_lines, digest, model_bytes_of, model_source
from .tflm_library import tflm_library
from .tflm_resolver import resolver_methods
from .tflm_scratch import kernels_of

__all__ = ["ArenaEstimate", "model_bytes_of", "model_source", "render_tflm"]


def render_tflm(
    graph: Graph,
    model_bytes: bytes,
    board: BoardProfile,
    *,
    name: str,
    version: str = "1.0",
    labels: tuple[str, ...] = (),
    preprocess: Preprocess | None = None,
    arena: ArenaEstimate | None = None,
    project: Kind = "platformio",
) -> dict[str, str]:
    """The files of the model's library, by path below lib/<name>/src.

    `graph` is `model_bytes` as imported with supported_only=False, no pass run on it; `name` is a C identifier.
    `arena` is what the model needs with the memory plan that its metadata carries; without one TFLM plans. Raises
    BadInput for operators that TFLM, or the library that brings it to the board, does not have.
    """
    if digest(model_bytes) != graph.sha256:
        raise BadInput(f"{graph.name}: the graph was not read from these {len(model_bytes)} bytes.")
    library, kernels = tflm_library(board, project), kernels_of(board, project)
    methods = resolver_methods(graph, library.name)
    context: dict[str, Any] = {
        "tinygen": __version__,
        "model": name,
        "MODEL": name.upper(),
        "title": graph.name,
        "version": version,
        "labels": labels,
        "sha256": graph.sha256,
        "board": f"{board.name}: {board.title}",
        "model_bytes": len(model_bytes),
        "arena": arena or estimate_arena(graph, kernels),
        "kernels": kernels,
        "library_header": library.header if project == "arduino" else "",
        "methods": methods,
        "variables": len(graph.variables),
        "variable_bytes": sum(variable.nbytes for variable in graph.variables),
        "restarts": any(not variable.starts_as_reset for variable in graph.variables),
        "layers": [_layer(graph, i) for i in range(len(graph.ops))],
        "inputs": [_end(graph.tensors[t], i) for i, t in enumerate(graph.inputs)],
        "outputs": [_end(graph.tensors[t], i) for i, t in enumerate(graph.outputs)],
        "preprocess": preprocess,
        "lines": array_lines(model_bytes),
    }
    return {
        f"{name}.h": render("tflm/model.h.j2", **context),
        f"{name}.cpp": render("tflm/model.cpp.j2", **context),
        f"{name}_model.h": render("tflm/model_data.h.j2", **context),
        f"{name}_model.cpp": render("tflm/model_data.cpp.j2", **context),
        **{file: (data_dir("firmware") / "runtime" / file).read_text("utf-8") for file in ("tg.h", "tg_tflm_hook.h")},
    }


def _layer(graph: Graph, index: int) -> dict[str, Any]:
    op = graph.ops[index]
    known = operators().get(op.kind)
    macs = known.macs(graph, op) if known and op.attrs is not None else 0
    shape = _shape(graph.output(op)) if op.outputs else ""
    return {"index": index, "kind": c_comment(op.kind), "shape": shape, "macs": macs}


def _shape(tensor: Tensor) -> str:
    return "[" + ",".join(str(n) for n in tensor.shape) + "]"


def _end(tensor: Tensor, position: int) -> dict[str, Any]:
    if tensor.dtype not in TG_TYPES:
        raise BadInput(f"Tensor {tensor.name!r}: {tensor.dtype} cannot be an input or output of firmware.")
    low, high = QUANTIZED_RANGE.get(tensor.dtype, (0, 0))
    return {
        "suffix": str(position) if position else "",
        "name": tensor.name,
        "ctype": C_TYPES[tensor.dtype],
        "tg_type": TG_TYPES[tensor.dtype],
        "shape": tensor.shape or (1,),
        "size": tensor.size,
        "bytes": tensor.nbytes,
        "quantized": tensor.quant is not None and tensor.dtype in QUANTIZED_RANGE,
        "scale": tensor.quant.scale if tensor.quant else 0.0,
        "zero_point": tensor.quant.zero_point if tensor.quant else 0,
        "low": low,
        "high": high,
    }
