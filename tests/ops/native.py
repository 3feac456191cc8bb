"""tinygen's own C on the host: many small models become one program, compiled once under the sanitizers."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tinygen.backends.aot import ModelInfo, render_aot
from tinygen.graph.ir import Graph, Op, State
from tinygen.graph.plan import Buffer, MemoryPlan
from tinygen.memory.lifetimes import buffers_of
from tinygen.ops.lowering import lower

Arrays = list[npt.NDArray[Any]]
FLAGS = (
    "-std=c99 -O1 -g0 -Wall -Wextra -Wpedantic -Wconversion -Werror -fsanitize=address,undefined "
    "-fno-sanitize-recover=all"
).split()
GAP = 64
NUMPY = {"int8": "i1", "uint8": "u1", "int16": "<i2", "int32": "<i4", "int64": "<i8", "float32": "<f4", "bool": "?"}


def merge(graphs: Sequence[Graph]) -> Graph:
    """One graph of the graphs side by side."""
    tensors: list[Any] = []
    ops: list[Op] = []
    inputs: list[int] = []
    outputs: list[int] = []
    states: list[State] = []
    for number, graph in enumerate(graphs):
        base = len(tensors)
        tensors += graph.tensors
        for op in graph.ops:
            moved = tuple(i + base if i >= 0 else i for i in op.inputs)
            to = tuple(i + base for i in op.outputs)
            ops.append(replace(op, name=f"c{number}_{op.name}", inputs=moved, outputs=to))
        inputs += [i + base for i in graph.inputs]
        outputs += [i + base for i in graph.outputs]
        states += [replace(s, tensors=tuple(i + base for i in s.tensors)) for s in graph.states]
    return Graph("cases", tuple(tensors), tuple(ops), tuple(inputs), tuple(outputs), states=tuple(states))


def without_scales(graph: Graph) -> Graph:
    """For rendering: no functions that quantize hundreds of inputs, which take longer to compile than the layers."""
    ends = {*graph.inputs, *graph.outputs}
    tensors = (replace(t, quant=None) if i in ends else t for i, t in enumerate(graph.tensors))
    return replace(graph, tensors=tuple(tensors))


def spaced_plan(buffers: Sequence[Buffer]) -> MemoryPlan:
    """Every buffer in a place of its own with a gap after it, so that an overrun is seen."""
    placed, offset = [], 0
    for buffer in buffers:
        placed.append(replace(buffer, offset=offset))
        offset += -(-buffer.nbytes // 16) * 16 + GAP
    return MemoryPlan(offset, 0, 0, tuple(placed))


def run(
    graphs: Sequence[Graph], samples: Sequence[Sequence[Arrays]], folder: Path, cc: str = "cc"
) -> list[list[Arrays]]:
    """The outputs of every graph for each of its samples (every graph has as many)."""
    graph = merge(graphs)
    layers = lower(graph, frozenset())
    plan = spaced_plan(buffers_of(graph, layers, keep_input=True))
    build(render_aot(without_scales(graph), layers, plan, "host", ModelInfo("m")), _gaps(graph, plan), folder, cc)
    rounds = len(samples[0])
    sent = b"".join(b"\x01" + joined(samples, r) for r in range(rounds))
    done = subprocess.run([str(folder / "program")], input=sent, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-3000:]
    return split(graphs, done.stdout, rounds)


def joined(samples: Sequence[Sequence[Arrays]], number: int) -> bytes:
    """The inputs of every graph in one round."""
    return b"".join(np.ascontiguousarray(x).tobytes() for sample in samples for x in sample[number])


def _gaps(graph: Graph, plan: MemoryPlan) -> str:
    first = plan.offset_of(graph.inputs[0])
    ends = [(b.offset + b.nbytes, -(-b.nbytes // 16) * 16 + GAP - b.nbytes) for b in plan.buffers]
    return "".join(f"{{{end - first}, {size}}},\n" for end, size in ends)


def build(files: dict[str, str], gaps: str, folder: Path, cc: str) -> None:
    """Compiles the program; warnings are errors."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    (folder / "gaps.h").write_text(gaps)
    shutil.copy(Path(__file__).with_name("runner.c"), folder / "runner.c")
    sources = [n for n in files if n.endswith(".c")] + ["runner.c"]
    done = subprocess.run(
        [cc, *FLAGS, *sources, "-o", "program"], cwd=folder, capture_output=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")[:3000]


def split(graphs: Sequence[Graph], data: bytes, rounds: int) -> list[list[Arrays]]:
    """The outputs of every graph in every round, out of the bytes of all of them."""
    results: list[list[Arrays]] = [[] for _ in graphs]
    at = 0
    for _ in range(rounds):
        for result, graph in zip(results, graphs):
            arrays = []
            for index in graph.outputs:
                tensor = graph.tensors[index]
                array = np.frombuffer(data, NUMPY[tensor.dtype], tensor.size, at).reshape(tensor.shape)
                arrays.append(array)
                at += tensor.nbytes
            result.append(arrays)
    assert at == len(data)
    return results
