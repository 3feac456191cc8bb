"""Damaged models of every operator: refused with BadInput, or their C stays inside its buffers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import native
import numpy as np
import pytest
from cases import MAX_INPUTS, generate
from strategies import by_kind
from test_float_islands import islands

from tinygen.errors import BadInput
from tinygen.frontend.importer import import_tflite
from tinygen.graph.builtin import BUILTIN_NAMES
from tinygen.graph.ir import Graph
from tinygen.ops import operators
from tinygen.ops.lowering import lower
from tinygen.passes import optimize

FLIPS = 80
CASES = 4  # of an operator, one strategy after the other
TAKEN = 6  # of each case
BYTES = (0, 1, 2, 3, 7, 0x7F, 0x80, 0xFF)
MAX_BYTES = 20_000
MAX_MACS = 300_000
MAX_ENDS = 12


def _damaged(model: bytes, generator: random.Random) -> bytes:
    data = bytearray(model)
    for _ in range(generator.choice((1, 1, 1, 2, 4))):
        data[generator.randrange(len(data))] = generator.choice((*BYTES, generator.randrange(256)))
    return bytes(data)


def _accepted(data: bytes, passes: bool = False) -> Graph | None:
    """The graph of a file that is taken and small enough to run; whatever else is raised is a defect."""
    try:
        graph = import_tflite(data, "damaged")
        graph = optimize(graph) if passes else graph
        layers = lower(graph, frozenset())
    except BadInput:
        return None
    written = {i for op in graph.ops for i in op.outputs} | set(graph.inputs)
    small = sum(graph.tensors[i].nbytes for i in written) < MAX_BYTES and sum(x.macs for x in layers) < MAX_MACS
    few = max(len(graph.inputs), len(graph.outputs)) <= MAX_ENDS
    return graph if small and few and graph.ops else None


def _survivors(kind: str, generator: random.Random) -> Iterator[Graph]:
    """Damaged models that are taken: ours must run them, and the sanitizers watch."""
    strategies = by_kind()[kind]
    for strategy in strategies:
        for case in generate(strategy, -(-CASES // len(strategies))):
            damaged = {_damaged(case.model, generator): None for _ in range(FLIPS)}
            yield from [graph for graph in map(_accepted, damaged) if graph is not None][:TAKEN]


def _values(graph: Graph, index: int, generator: random.Random) -> native.npt.NDArray[native.Any]:
    """Random bytes of a tensor; of truth values 0 and 1 alone."""
    tensor = graph.tensors[index]
    raw = generator.randbytes(tensor.nbytes)
    if tensor.dtype == "bool":
        raw = bytes(byte & 1 for byte in raw)
    return np.frombuffer(raw, native.NUMPY[tensor.dtype]).reshape(tensor.shape)


def _kinds() -> list[str]:
    """Operators that run as they stand in a file, and the handles of variables; the others only run as tables."""
    return [k for k, o in operators().items() if k in BUILTIN_NAMES and o.kernels] + ["CALL_ONCE", "VAR_HANDLE"]


@pytest.mark.parametrize("kind", sorted(_kinds()))
def test_damaged_models_are_refused_or_safe(kind: str, tmp_path: Path) -> None:
    generator = random.Random(crc32(kind.encode()))
    graphs = list(_survivors(kind, generator))
    assert len(graphs) > CASES
    _run(graphs, generator, tmp_path)


def test_damaged_float_islands_are_refused_or_safe(tmp_path: Path) -> None:
    generator = random.Random(8)
    graphs: list[Graph] = []
    for case in generate(islands(), 12):
        damaged = {_damaged(case.model, generator): None for _ in range(FLIPS)}
        found = (_accepted(data, passes=True) for data in damaged)
        graphs += [graph for graph in found if graph is not None and graph.ops][:4]
    assert len(graphs) > 12
    _run(graphs, generator, tmp_path)


def _run(graphs: list[Graph], generator: random.Random, tmp_path: Path) -> None:
    for start in range(0, len(graphs), MAX_INPUTS // MAX_ENDS):
        chunk = graphs[start : start + MAX_INPUTS // MAX_ENDS]
        samples = [[[_values(graph, i, generator) for i in graph.inputs]] for graph in chunk]
        native.run(chunk, samples, tmp_path / str(start))
