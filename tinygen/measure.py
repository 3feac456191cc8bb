"""One row of the table: what an int8 model costs on a board, and how good its own bits are on held-out data."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .boards import BoardProfile, load_board
from .checking import budget_of, check, planned_budget, planned_tflm_budget
from .compiled import Model, compile_model
from .dataset import DataSet, fit_shape
from .frontend.importer import import_tflite
from .graph.ir import Graph, constant
from .metric import score
from .objective import Objective
from .ops import operators
from .pipeline import render_project
from .preprocess import quantize_input
from .proof import simulate_project
from .records import Optimize, tensor_record
from .simulate.reference import reference
from .simulate.run import choose
from .writing import write_project


@dataclass(frozen=True)
class Measured:
    """Costs on the first board; `value` is the metric of the int8 bits, None without held-out data.

    `source` says where flash and RAM come from: linked, or planned where no compiler or simulator is at hand.
    """

    parameters: int
    zero_share: float
    metric: str
    value: float | None
    samples: int
    macs: int
    weights_bytes: int
    arena_bytes: int
    flash_bytes: int
    ram_bytes: int
    instructions: int | None
    source: str

    def json(self) -> dict[str, Any]:
        """The figures by name."""
        return asdict(self)


def measure_step(
    model: Model,
    board: str,
    data: DataSet | None,
    runtime: str,
    *,
    optimize: Optimize = "balanced",
    objective: Objective | None = None,
) -> Measured:
    """Renders, builds and simulates the model on `board`, and runs the reference over the held-out samples."""
    graph = import_tflite(model.tflite, model.name, supported_only=runtime != "tflm")
    with tempfile.TemporaryDirectory(prefix="tinygen-") as work:
        metric = int8_metric(model, graph, data, Path(work), objective)
        if runtime == "tflm":
            costs = _tflm_costs(model, graph, load_board(board))
        elif runtime == "micropython":
            costs = _micropython_costs(model, board, Path(work), optimize)
        else:
            costs = _aot_costs(model, board, Path(work), optimize)
    parameters, zeros = _weights(graph)
    return Measured(
        parameters=parameters,
        zero_share=zeros / parameters if parameters else 0.0,
        metric=str(metric["name"]) if metric else "",
        value=metric["value"] if metric else None,
        samples=metric["samples"] if metric else 0,
        **costs,
    )


def int8_metric(
    model: Model, graph: Graph, data: DataSet | None, work: Path, objective: Objective | None = None
) -> dict[str, Any] | None:
    """{"name", "value", "samples"} of the reference's bits on the held-out samples; `work` takes the model's file."""
    held = data.held_out if data else None
    if held is None or data is None or len(graph.inputs) != 1:
        return None
    split, x, y = held
    record, output = tensor_record(graph, graph.inputs[0]), tensor_record(graph, graph.outputs[0])
    x = fit_shape(x, record.shape, f"{data.path}: x_{split}")
    q = quantize_input(x, model.preprocess, record.scale or 1.0, record.zero_point or 0, record.dtype)
    path = work / "model.tflite"
    path.write_bytes(model.tflite)
    return score(reference(path, [row.tobytes() for row in q]).outputs, output, y, objective)


def _weights(graph: Graph) -> tuple[int, int]:
    """(weights, zeros among them) of the model's own constants of two or more axes that layers multiply by."""
    seen = {
        i
        for op in graph.ops
        if op.kind in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")
        for i in op.inputs
        if i >= 0 and graph.tensors[i].data is not None and len(graph.tensors[i].shape) > 1
    }
    arrays = [constant(graph.tensors[i]) for i in seen]
    return sum(a.size for a in arrays), sum(int(a.size - np.count_nonzero(a)) for a in arrays)


def graph_macs(graph: Graph) -> int:
    """Multiplications with accumulation of the operators that are known."""
    known = [(operators()[op.kind], op) for op in graph.ops if op.kind in operators() and op.attrs is not None]
    return sum(operator.macs(graph, op) for operator, op in known)


def _aot_costs(model: Model, board: str, work: Path, optimize: Optimize) -> dict[str, Any]:
    profile = load_board(board)
    compiled = compile_model(model, profile, optimize=optimize)
    planned = planned_budget(compiled)
    costs: dict[str, Any] = {
        "macs": sum(layer.macs for layer in compiled.layers),
        "weights_bytes": compiled.weights_bytes,
        "arena_bytes": compiled.plan.arena_bytes,
        "flash_bytes": planned.flash.used_bytes,
        "ram_bytes": planned.ram.used_bytes,
        "instructions": None,
        "source": "planned",
    }
    if choose(profile, None) == "native":
        return costs
    files, manifest = render_project(model, board, optimize=optimize)
    write_project(files, manifest, work / "project")
    run = simulate_project(work / "project", samples=1, compare=False)
    linked = budget_of(run, profile)
    return {
        **costs,
        "flash_bytes": linked.flash.used_bytes,
        "ram_bytes": linked.ram.used_bytes,
        "instructions": run.instructions_per_inference,
        "source": "linked",
    }


def _micropython_costs(model: Model, board: str, work: Path, optimize: Optimize) -> dict[str, Any]:
    compiled = compile_model(model, load_board(board), optimize=optimize)
    files, manifest = render_project(model, board, runtime="micropython", optimize=optimize)
    write_project(files, manifest, work / "project")
    report = check(work / "project")
    return {
        "macs": sum(layer.macs for layer in compiled.layers),
        "weights_bytes": compiled.weights_bytes,
        "arena_bytes": compiled.plan.arena_bytes,
        "flash_bytes": report.flash.used_bytes,
        "ram_bytes": report.ram.used_bytes,
        "instructions": report.performance.instructions,
        "source": report.source,
    }


def _tflm_costs(model: Model, graph: Graph, board: BoardProfile) -> dict[str, Any]:
    planned = planned_tflm_budget(model, board)
    return {
        "macs": graph_macs(graph),
        "weights_bytes": planned.flash.parts["weights"],
        "arena_bytes": planned.ram.parts["arena"],
        "flash_bytes": planned.flash.used_bytes,
        "ram_bytes": planned.ram.used_bytes,
        "instructions": None,
        "source": "planned",
    }
