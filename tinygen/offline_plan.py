"""Our own memory plan for TensorFlow Lite Micro: written into the model's metadata, where it beats TFLM's greedy one.

TFLM takes the offsets of a metadata entry named OfflineMemoryAllocation: little-endian int32 of version 1, the number
of the subgraph (which it does not read), the number of tensors in all subgraphs, and an offset for each of these in
their order, -1 where TFLM places it itself. Only those of the first subgraph are placed here. Scratch buffers
are always TFLM's to place, around ours. No two tensors of a layer overlap in such a plan: TFLM's kernels do not promise
that they may.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from .backends.tflm_arena import ALIGNMENT, ArenaEstimate, estimate_arena, tensor_buffers
from .backends.tflm_metadata import with_metadata
from .backends.tflm_ranks import check_tensors
from .backends.tflm_scratch import kernels_of
from .boards import BoardProfile
from .errors import BadInput
from .graph.ir import Graph
from .graph.plan import Buffer
from .memory.planner import plan_memory
from .project import Kind

METADATA = "OfflineMemoryAllocation"
MAX_OFFSET = 1 << 28


@dataclass(frozen=True)
class Planned:
    """A model's bytes as they are flashed, with the arena they need; `offsets` is empty where TFLM plans itself."""

    tflite: bytes
    arena: ArenaEstimate
    offsets: Mapping[int, int]


def with_offline_plan(graph: Graph, tflite: bytes, board: BoardProfile, project: Kind = "platformio") -> Planned:
    """The model with our plan in its metadata, where the arena is smaller for it; else the model as it is.

    `graph` is `tflite` as imported, no pass run on it. Models that bring a plan are left alone: it is read, and
    BadInput raised where TFLM could not follow it. So are those with states in other subgraphs: TFLM looks these up
    under the numbers of the first one's tensors (AllocateVariables in micro_allocator.cc).
    """
    check_tensors(graph)
    kernels = kernels_of(board, project)
    if METADATA in graph.metadata:
        brought = _read(graph)
        return Planned(tflite, estimate_arena(graph, kernels, brought), brought)
    own = estimate_arena(graph, kernels)
    if any(other.has_states for other in graph.others):
        return Planned(tflite, own, {})
    offsets = _offsets(graph)
    planned = estimate_arena(graph, kernels, offsets)
    if not offsets or planned.planned_bytes >= own.planned_bytes:
        return Planned(tflite, own, {})
    values = [offsets.get(i, -1) for i in range(_tensors(graph))]
    content = struct.pack(f"<{3 + len(values)}i", 1, 0, len(values), *values)
    return Planned(with_metadata(tflite, METADATA, content), planned, offsets)


def _tensors(graph: Graph) -> int:
    return len(graph.tensors) + sum(other.tensors for other in graph.others)


def _read(graph: Graph) -> dict[int, int]:
    """The offsets that a model's own metadata gives; those of tensors that are not in the arena count for nothing."""
    content = graph.metadata[METADATA]
    values = struct.unpack(f"<{len(content) // 4}i", content[: len(content) // 4 * 4])
    count = _tensors(graph)
    if len(content) % 4 or values[2:3] != (count,) or len(values) < 3 + count:
        raise BadInput(
            f"{graph.name}: its metadata {METADATA} is no plan for {count} tensors.",
            "Take the entry out of the file, or convert the model again.",
        )
    placed = tensor_buffers(graph)
    offsets = {i: offset for i, offset in enumerate(values[3 : 3 + count]) if offset >= 0 and i in placed}
    if any(offset % ALIGNMENT or offset > MAX_OFFSET for offset in offsets.values()):
        raise BadInput(f"{graph.name}: its metadata {METADATA} has an offset that no arena has.")
    return offsets


def _offsets(graph: Graph) -> dict[int, int]:
    found = tensor_buffers(graph)
    buffers = [
        Buffer("tensor", buffer.nbytes, buffer.first, buffer.last, (tensor,), alignment=ALIGNMENT)
        for tensor, buffer in found.items()
    ]
    plan = plan_memory(buffers, len(graph.ops) + 1)
    return {buffer.tensors[0]: buffer.offset for buffer in plan.buffers}
