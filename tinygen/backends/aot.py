"""The ahead-of-time back end: a model becomes one C file of constants and calls, and copies of the kernels it uses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import __version__
from ..graph.ir import Graph, Tensor
from ..graph.plan import MemoryPlan
from ..ops.base import Arg, Const, In, Scratch
from ..ops.lowering import Layer
from ..project import Preprocess
from ..resources import data_dir
from .c_layout import c_int, call_lines, columns
from .constants import C_TYPES, Pool, pool
from .guards import guard_rows
from .states import StateField, first_values, members, needs_start, state_bytes, state_fields
from .templating import c_comment, c_identifier, render

TG_TYPES = {
    "int8": "TG_INT8", "uint8": "TG_UINT8", "int16": "TG_INT16", "int32": "TG_INT32", "float32": "TG_FLOAT32",
    "bool": "TG_BOOL", "int64": "TG_INT64",
}  # fmt: skip
QUANTIZED_RANGE = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}

#: Names of inputs and outputs take flash; a model's file may hold names of any length.
NAME_LENGTH = 64


@dataclass(frozen=True)
class ModelInfo:
    """What a user says of a model; `name` is a C identifier."""

    name: str
    version: str = "1.0"
    labels: tuple[str, ...] = ()
    preprocess: Preprocess | None = None


def weights_bytes(layers: Iterable[Layer], graph: Graph) -> int:
    """Bytes of the rendered constants' struct: multipliers, shifts, biases and the padding at its end included."""
    return model_pool(graph, tuple(layers), "model").weights_bytes


def model_pool(graph: Graph, layers: tuple[Layer, ...], model: str) -> Pool:
    """The constants as they are rendered: the struct's C name is <model>_weights."""
    return pool(graph, layers, layer_names(layers), f"{model}_weights", first_values(graph))


def layer_weights_bytes(layer: Layer, graph: Graph) -> int:
    """Bytes of one layer's constants, as if it stood alone."""
    return pool(graph, (layer,), layer_names((layer,))).weights_bytes


def render_aot(
    graph: Graph, layers: tuple[Layer, ...], plan: MemoryPlan, board_line: str, info: ModelInfo
) -> dict[str, str]:
    """The files of the model's library, by path below lib/<name>/src."""
    context = model_context(graph, layers, plan, board_line, info)
    files = {
        f"{info.name}.h": render("aot/model.h.j2", **context),
        f"{info.name}.c": render("aot/model.c.j2", **context),
    }
    if context["weights"]:
        files[f"{info.name}_weights.h"] = render("aot/weights.h.j2", **context)
        files[f"{info.name}_weights.c"] = render("aot/weights.c.j2", **context)
    return files | with_includes({*context["headers"], "tg.h"})


def with_includes(headers: Iterable[str]) -> dict[str, str]:
    """The firmware headers of those names and all that they include, by file name."""
    found: dict[str, str] = {}
    todo = sorted(headers)
    while todo:
        name = todo.pop()
        if name in found:
            continue
        found[name] = _firmware_header(name).read_text("utf-8")
        for line in found[name].splitlines():
            if line.startswith('#include "'):
                todo.append(line.split('"')[1])
    return dict(sorted(found.items()))


def _firmware_header(name: str) -> Path:
    for room in ("kernels", "runtime"):
        path = data_dir("firmware") / room / name
        if path.is_file():
            return path
    raise FileNotFoundError(name)


def model_context(
    graph: Graph,
    layers: tuple[Layer, ...],
    plan: MemoryPlan,
    board_line: str,
    info: ModelInfo,
    constants: Pool | None = None,
) -> dict[str, Any]:
    """What the templates are given; `constants` where they are named otherwise than in the struct of weights."""
    names = layer_names(layers)
    constants = constants or model_pool(graph, layers, info.name)
    headers = {layer.kernel.header for layer in layers if layer.kernel}
    states = state_fields(graph)
    places = _Places(graph, plan, info.name, {t: f"{info.name}_state.{f.name}" for f in states for t in f.tensors})
    return {
        "tinygen": __version__,
        "model": info.name,
        "MODEL": info.name.upper(),
        "title": graph.name,
        "version": info.version,
        "sha256": graph.sha256,
        "labels": info.labels,
        "board": board_line,
        "arena_bytes": max(plan.arena_bytes, 1),
        "lower_bound_bytes": plan.lower_bound_bytes,
        "weights_bytes": constants.weights_bytes,
        "tables_bytes": constants.tables_bytes,
        "layer_table": _layer_table(graph, layers, places),
        "states": [_state(field, constants) for field in states],
        "members": members(states, plan.guard_bytes),
        "state_bytes": state_bytes(graph, plan.guard_bytes),
        "starts_by_reset": needs_start(states),
        "keeps_input": _keeps_inputs(graph, plan),
        "weights": constants.fields,
        "headers": sorted(headers | ({"tg_checked.h"} if plan.guard_bytes else set())),
        "guard_bytes": plan.guard_bytes,
        "guards": guard_rows(graph, layers, plan, info.name),
        "layer_code": "aot/layer_checked.c.j2" if plan.guard_bytes else "aot/layer.c.j2",
        "layers": [_layer_context(places, layer, names[layer.index], constants) for layer in layers],
        "layer_count": len(layers),
        "inputs": [_io(graph, plan, t, i) for i, t in enumerate(graph.inputs)],
        "outputs": [_io(graph, plan, t, i) for i, t in enumerate(graph.outputs)],
        "preprocess": info.preprocess,
    }


@dataclass(frozen=True)
class _Places:
    """Where each tensor lies: in the arena, or in a member of the states' struct."""

    graph: Graph
    plan: MemoryPlan
    model: str
    states: dict[int, str]

    def pointer(self, tensor: int, const: bool) -> str:
        """The tensor's address as C's expression."""
        if tensor in self.states:
            return self.states[tensor]
        ctype = C_TYPES[self.graph.tensors[tensor].dtype]
        return f"AT({'const ' if const else ''}{ctype}, {self.plan.offset_of(tensor)})"

    def shown(self, tensor: int) -> str:
        """The bytes of the arena, for a reader; a state's name."""
        if tensor in self.states:
            return short(self.states[tensor].removeprefix(f"{self.model}_"), 24)
        offset = self.plan.offset_of(tensor)
        return f"[{offset},{offset + self.graph.tensors[tensor].nbytes})"


def _state(field: StateField, constants: Pool) -> dict[str, Any]:
    source = "" if field.fill is not None else constants.names[-1, f"state_{field.name}"]
    return {"name": field.name, "comment": field.comment, "ctype": field.ctype, "count": field.count,
            "fill": field.fill, "source": source}  # fmt: skip


def _layer_table(graph: Graph, layers: tuple[Layer, ...], places: _Places) -> tuple[str, ...]:
    """The header's table, a row a layer: where its output lies in the arena and what it costs."""
    rows = [["#", "layer", "op", "output", "arena", "MACs", "kernel"]]
    for layer in layers:
        op, y = layer.op, graph.output(layer.op)
        name = c_comment(short(op.name, 20))
        place = places.shown(op.outputs[0])
        rows.append([str(layer.index), name, op.kind, _shape(y), place, str(layer.macs), layer.kernel_name])
    return columns(rows, frozenset({0, 5}))


def short(name: str, length: int) -> str:
    return name if len(name) <= length else name[: length - 2] + ".."


def _keeps_inputs(graph: Graph, plan: MemoryPlan) -> bool:
    """Whether no other buffer, and none of its guard zones, ever lies on an input's bytes."""
    zone, ends = plan.guard_bytes, set(graph.inputs)
    inputs = [b for b in plan.buffers if not ends.isdisjoint(b.tensors)]
    others = [b for b in plan.buffers if ends.isdisjoint(b.tensors)]
    return all(
        a.offset + a.nbytes <= b.offset - zone or b.offset + b.nbytes + zone <= a.offset for a in inputs for b in others
    )


def layer_names(layers: tuple[Layer, ...]) -> list[str]:
    """A C identifier for each layer, unique in the model."""
    taken: set[str] = set()
    counts: dict[str, int] = {}
    names = []
    for layer in layers:
        base = c_identifier(layer.op.name, "layer")
        base = f"layer_{base}" if base.lower().startswith("tg_") else base
        name, count = base, counts.get(base.lower(), 1)
        while name.lower() in taken:
            count += 1
            name = f"{base}_{count}"
        counts[base.lower()] = count
        taken.add(name.lower())
        names.append(name)
    return names


def _io(graph: Graph, plan: MemoryPlan, index: int, position: int) -> dict[str, Any]:
    tensor = graph.tensors[index]
    low, high = QUANTIZED_RANGE.get(tensor.dtype, (0, 0))
    return {
        "suffix": str(position) if position else "",
        "name": short(tensor.name, NAME_LENGTH),
        "ctype": C_TYPES[tensor.dtype],
        "tg_type": TG_TYPES[tensor.dtype],
        "dtype": tensor.dtype,
        "shape": tensor.shape or (1,),
        "size": tensor.size,
        "bytes": tensor.nbytes,
        "offset": plan.offset_of(index),
        "quantized": tensor.quant is not None and tensor.dtype in QUANTIZED_RANGE,
        "scale": tensor.quant.scale if tensor.quant else 0.0,
        "zero_point": tensor.quant.zero_point if tensor.quant else 0,
        "low": low,
        "high": high,
    }


def _layer_context(places: _Places, layer: Layer, name: str, constants: Pool) -> dict[str, Any]:
    graph, op, y = places.graph, layer.op, places.graph.output(layer.op)
    shown = " ".join(_shape(graph.tensors[i]) for i in op.inputs if i >= 0 and graph.tensors[i].data is None)
    context: dict[str, Any] = {
        "index": layer.index,
        "name": name,
        "label": short(op.name, NAME_LENGTH),
        "comment": c_comment(f"{op.kind} {short(op.name, 40)}: {shown} -> {_shape(y)}")[:100],
        "is_view": layer.is_view,
        "outputs": [{"pointer": places.pointer(t, True), "bytes": graph.tensors[t].nbytes} for t in op.outputs],
        "params": [],
        "tables": [],
    }
    if layer.code is not None:
        code = layer.code
        context["struct"] = code.struct
        context["params"] = [(field, _initializer(value)) for field, value in code.params]
        context["tables"] = constants.tables.get(layer.index, ())
        args = [f"&{name}_params"] if code.struct else []
        args += [_argument(places, layer, arg, constants) for arg in code.args]
        context["call"] = call_lines(code.function, args)
    return context


def _shape(tensor: Tensor) -> str:
    return "[" + ",".join(str(n) for n in tensor.shape) + "]"


def _initializer(value: int | tuple[int, ...]) -> str:
    if isinstance(value, tuple):
        return "{" + ", ".join(c_int(v) for v in value) + "}"
    return c_int(value)


def _argument(places: _Places, layer: Layer, arg: Arg, constants: Pool) -> str:
    if isinstance(arg, int):
        return str(arg)
    if isinstance(arg, Scratch):
        return f"AT(void, {places.plan.scratch_of(layer.index)})"
    if isinstance(arg, Const):
        return constants.names[layer.index, arg.name]
    tensor = (layer.op.inputs if isinstance(arg, In) else layer.op.outputs)[arg.index]
    if isinstance(arg, In) and places.graph.tensors[tensor].data is not None:
        return constants.names[layer.index, f"input{arg.index}"]
    return places.pointer(tensor, isinstance(arg, In))
