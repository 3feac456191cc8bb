"""Damaged models of every operator: refused with BadInput, or their C stays inside its buffers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import native
import test_convolutions as convolutions
import test_elementwise as elementwise
import test_layout as layout
import test_pools_and_means as pools
import test_quantize as quantize
from cases import MAX_INPUTS, Case, generate

from tinygen.errors import BadInput
from tinygen.frontend.importer import import_tflite
from tinygen.graph.ir import Graph
from tinygen.ops.lowering import lower

FLIPS = 120
VALUES = (0, 1, 2, 3, 7, 0x7F, 0x80, 0xFF)
MAX_BYTES = 20_000
MAX_MACS = 300_000


def _models() -> Iterator[Case]:
    """A few cases of each operator."""
    strategies = [
        convolutions._conv(), convolutions._depthwise(), convolutions._dense(), pools._pool("AVERAGE_POOL_2D"),
        pools._pool("MAX_POOL_2D"), pools._mean(), layout._concatenation(), layout._pad("PAD"), layout._pad("PADV2"),
        layout._transpose(), layout._slice(), layout._view(), quantize._quantize(), quantize._dequantize(),
        *(elementwise._binary(kind) for kind in elementwise.OPTIONS),
        *(elementwise._unary(kind) for kind in ("LOGISTIC", "LEAKY_RELU", "HARD_SWISH")),
    ]  # fmt: skip
    for strategy in strategies:
        yield from generate(strategy, 4)


def _damaged(model: bytes, generator: random.Random) -> bytes:
    data = bytearray(model)
    for _ in range(generator.choice((1, 1, 1, 2, 4))):
        data[generator.randrange(len(data))] = generator.choice(
            (0, 1, 2, 3, 7, 0x7F, 0x80, 0xFF, generator.randrange(256))
        )
    return bytes(data)


def _accepted(data: bytes) -> Graph | None:
    """The graph of a file that is taken and small enough to run; whatever else is raised is a defect."""
    try:
        graph = import_tflite(data, "damaged")
        layers = lower(graph, frozenset())
    except BadInput:
        return None
    written = {i for op in graph.ops for i in op.outputs} | set(graph.inputs)
    small = sum(graph.tensors[i].nbytes for i in written) < MAX_BYTES and sum(x.macs for x in layers) < MAX_MACS
    return graph if small else None


def test_damaged_models_are_refused_or_safe(tmp_path: Path) -> None:
    generator = random.Random(3)
    graphs: list[Graph] = []
    seen: set[bytes] = set()
    for case in _models():
        original = case.model
        taken = 0
        for _ in range(FLIPS):
            data = _damaged(original, generator)
            graph = _accepted(data) if data not in seen else None
            seen.add(data)
            if graph is not None and graph.ops and taken < 8:
                graphs.append(graph)
                taken += 1
    assert len(graphs) > 200
    for batch in range(0, len(graphs), MAX_INPUTS // 11):
        chunk = graphs[batch : batch + MAX_INPUTS // 11]
        samples = [[[_bytes(graph, i, generator) for i in graph.inputs]] for graph in chunk]
        native.run(chunk, samples, tmp_path / str(batch))


def _bytes(graph: Graph, index: int, generator: random.Random) -> native.npt.NDArray[native.Any]:
    tensor = graph.tensors[index]
    size = 1 if tensor.dtype == "bool" else tensor.nbytes
    raw = generator.randbytes(size) if tensor.dtype != "bool" else bytes(tensor.nbytes)
    return native.np.frombuffer(raw, native.NUMPY[tensor.dtype]).reshape(tensor.shape)
