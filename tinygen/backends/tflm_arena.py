"""How large TensorFlow Lite Micro's arena is on a 32-bit target, before any of it is compiled.

The arena is one block. From its end grows what lives as long as the interpreter (the persistent part), from its start
the activations and scratch as TFLM's greedy planner lays them (the planned part), and for a moment, while it plans,
the planner's own tables. So

    arena = persistent + max(planned, planning) + margin

- persistent, in the order of allocation in micro_allocator.cc, micro_interpreter.cc and the kernels, each allocation
  at its alignment: allocator, planner and so on 124 B + 8 a subgraph, TfLiteEvalTensor 12 a tensor, NodeAndRegistration
  32 a layer, the layers' parameters (_PARAMS), the kernels' OpData (_OP_DATA) at 16, for convolutions two int32 arrays
  over the output channels at 16, the variables at 16, a handle of 4 a scratch buffer, and for each input and output a
  TfLiteTensor with its quantization (40 + 12 + 4 + 4 a channel). Sizes are those of a 32-bit compiler with 4-byte
  enumerations; Arm's bare metal compilers use shorter ones and take a few bytes less.
- resource variables, right after the allocator and so in the persistent part: MicroResourceVariables, a pointer and two
  int, 12 at 16; MicroResourceVariable, three pointers, a size_t and an int8_t, 20 each, in one array at 16; when
  ASSIGN_VARIABLE is prepared, the bytes of each at 16. Tensors and operators of the subgraph that CALL_ONCE runs count
  as the others do; its constants and handles take no place among the activations.
- planning: 12 bytes for each scratch request and twelve more of them, 24 a tensor and scratch buffer
  (AllocationInfo), 40 for each one planned. Models of a few hundred bytes need more for this than for the activations.

The margin is for what is not modelled: another release of TFLM, kernels that gained a field. The firmware compares with
arena_used_bytes() when it starts, and prints both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..graph.ir import HANDLE, Graph, Op
from .tflm_scratch import Kernels, scratch_requests

ALIGNMENT = 16
_OBJECTS = (36, 44, 36)  # single arena allocator, greedy planner, micro allocator
_BUILTIN_ALLOCATOR, _SUBGRAPH = 8, 8
_VARIABLES, _VARIABLE = 12, 20
#: For a release whose objects have gained a field.
_START_MARGIN = 64
_EVAL_TENSOR, _NODE, _TENSOR, _AFFINE = 12, 32, 40, 12
_SCRATCH_REQUEST, _ALLOCATION_INFO, _PLANNER_ENTRY, _SPARE_REQUESTS = 12, 24, 40, 12

#: sizeof a kernel's OpData and of the operator's parameters (builtin_op_data.h); others take the default.
_OP_DATA = {
    "CONV_2D": 64, "DEPTHWISE_CONV_2D": 64, "FULLY_CONNECTED": 80, "AVERAGE_POOL_2D": 48, "MAX_POOL_2D": 48,
    "SOFTMAX": 80, "ADD": 80, "SUB": 64, "MUL": 48, "MEAN": 48, "SUM": 48, "LOGISTIC": 16, "TANH": 32,
    "RELU": 32, "RELU6": 16, "LEAKY_RELU": 32, "HARD_SWISH": 32, "QUANTIZE": 32, "DEQUANTIZE": 32,
    "STRIDED_SLICE": 96, "CONCATENATION": 144, "SVDF": 48, "RESHAPE": 0, "SQUEEZE": 0, "EXPAND_DIMS": 0,
    "TRANSPOSE": 0, "UNIDIRECTIONAL_SEQUENCE_LSTM": 512, "BATCH_MATMUL": 160, "TRANSPOSE_CONV": 80,
    "VAR_HANDLE": 4, "READ_VARIABLE": 0, "ASSIGN_VARIABLE": 0, "CALL_ONCE": 8,
}  # fmt: skip
_PARAMS = {
    "CONV_2D": 28, "DEPTHWISE_CONV_2D": 28, "FULLY_CONNECTED": 16, "AVERAGE_POOL_2D": 40, "MAX_POOL_2D": 40,
    "SOFTMAX": 4, "ADD": 8, "SUB": 8, "MUL": 4, "MEAN": 4, "SUM": 4, "LOGISTIC": 0, "TANH": 0, "RELU": 0, "RELU6": 0,
    "LEAKY_RELU": 4, "HARD_SWISH": 0, "QUANTIZE": 0, "DEQUANTIZE": 0, "STRIDED_SLICE": 24, "CONCATENATION": 8,
    "SVDF": 12, "RESHAPE": 36, "PAD": 0, "PADV2": 0, "EXPAND_DIMS": 0, "TRANSPOSE": 0,
    "VAR_HANDLE": 8, "READ_VARIABLE": 0, "ASSIGN_VARIABLE": 0, "CALL_ONCE": 4,
}  # fmt: skip
_OP_DATA_DEFAULT, _PARAMS_DEFAULT = 128, 48
_PER_CHANNEL = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV")


@dataclass(frozen=True)
class ArenaEstimate:
    """The parts of the arena in bytes; `used_bytes` estimates what arena_used_bytes() will say."""

    planned_bytes: int
    scratch_bytes: int  # the largest of one layer, inside planned_bytes
    persistent_bytes: int
    planning_bytes: int
    margin_bytes: int
    start_bytes: int = 0  # below it TFLM writes through a null pointer before it can fail

    @property
    def used_bytes(self) -> int:
        """Planned and persistent part."""
        return self.planned_bytes + self.persistent_bytes

    @property
    def needed_bytes(self) -> int:
        """The least arena with which AllocateTensors is expected to pass."""
        return self.persistent_bytes + max(self.planned_bytes, self.planning_bytes)

    @property
    def arena_bytes(self) -> int:
        """What the firmware reserves: needed and margin, a multiple of 16."""
        return _up(self.needed_bytes + self.margin_bytes, ALIGNMENT)


def estimate_arena(graph: Graph, kernels: Kernels, offsets: Mapping[int, int] | None = None) -> ArenaEstimate:
    """The arena of a model, `graph` being the .tflite as imported (no pass run on it).

    `offsets` are those of the tensors that a plan in the model's metadata places; what is not in it, scratch above all,
    TFLM's greedy planner places around them, as computed here.
    """
    scratch = [scratch_requests(graph, op, kernels) for op in graph.ops]
    placed = {t: replace(b, offset=(offsets or {}).get(t, -1)) for t, b in tensor_buffers(graph).items()}
    buffers = [*placed.values(), *_scratch_buffers(scratch)]
    largest = max((sum(_up(n, ALIGNMENT) for n in sizes) for sizes in scratch), default=0)
    planned = greedy_plan_bytes(buffers)
    persistent = _persistent(graph, scratch)
    requests = sum(len(sizes) for sizes in scratch)
    planning = (
        _SCRATCH_REQUEST * (requests + _SPARE_REQUESTS)
        + 4 * (1 + len(graph.others))
        + _ALLOCATION_INFO * (len(graph.tensors) + sum(other.tensors for other in graph.others) + requests)
        + _PLANNER_ENTRY * len(buffers)
        + ALIGNMENT
    )
    margin = max(128, (persistent + 19) // 20)
    start = _laid(_start(graph)) + _START_MARGIN
    return ArenaEstimate(planned, largest, persistent, planning, margin, start)


@dataclass(frozen=True)
class Buffer:
    """What the greedy planner places: bytes (a multiple of 16) alive from layer `first` to layer `last`.

    `offset` is where a plan in the model's metadata puts it, -1 where there is none.
    """

    nbytes: int
    first: int
    last: int
    offset: int = -1


def greedy_plan_bytes(buffers: list[Buffer]) -> int:
    """The size of TFLM's own plan: largest buffer first, each in the lowest gap among those alive with it.

    Among equals the one added last goes first, as TFLM's stable bubble sort over a reversed list has it. Buffers with
    an offset of their own come before all others.
    """
    free = sorted((i for i, b in enumerate(buffers) if b.offset < 0), key=lambda i: (-buffers[i].nbytes, -i))
    fixed = sorted((b for b in buffers if b.offset >= 0), key=lambda b: b.offset)
    placed = np.zeros((4, len(buffers)), np.int64)  # start, end, first and last, by start
    for count, buffer in enumerate(fixed):
        placed[:, count] = (buffer.offset, buffer.offset + buffer.nbytes, buffer.first, buffer.last)
    for count, wanted in enumerate((buffers[i] for i in free), len(fixed)):
        alive = np.flatnonzero((placed[2, :count] <= wanted.last) & (placed[3, :count] >= wanted.first))
        below = np.concatenate(([0], np.maximum.accumulate(placed[1, alive])))
        fits = np.flatnonzero(placed[0, alive] - below[:-1] >= wanted.nbytes)
        offset = int(below[fits[0] if len(fits) else -1])
        at = int(np.searchsorted(placed[0, :count], offset, side="right"))
        placed[:, at + 1 : count + 1] = placed[:, at:count].copy()
        placed[:, at] = (offset, offset + wanted.nbytes, wanted.first, wanted.last)
    return int(placed[1].max(initial=0))


def tensor_buffers(graph: Graph) -> dict[int, Buffer]:
    """What the planner places, by tensor."""
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for t in graph.inputs:
        first[t] = last[t] = 0
    for time, op in enumerate(graph.ops, 1):
        for t in op.outputs:
            first.setdefault(t, time)
        for t in (*op.inputs, *op.outputs):
            last[t] = time
    for t in graph.outputs:
        first.setdefault(t, len(graph.ops))
        last[t] = len(graph.ops)
    return {
        t: Buffer(_up(tensor.nbytes, ALIGNMENT), first[t], last[t])
        for t, tensor in enumerate(graph.tensors)
        if tensor.data is None and t in first and tensor.dtype != HANDLE and tensor.nbytes > 0
    }


def _scratch_buffers(scratch: list[tuple[int, ...]]) -> list[Buffer]:
    return [Buffer(_up(n, ALIGNMENT), time, time) for time, sizes in enumerate(scratch, 1) for n in sizes]


def _start(graph: Graph) -> list[tuple[int, int]]:
    """(bytes, alignment) of what is allocated before AllocateTensors."""
    variables = [(_VARIABLES, ALIGNMENT), (_VARIABLE * len(graph.variables), ALIGNMENT)] if graph.variables else []
    return [*((n, 4) for n in _OBJECTS), *variables]


def _persistent(graph: Graph, scratch: list[tuple[int, ...]]) -> int:
    """Bytes at the arena's end."""
    kinds = [op.kind for op in graph.ops] + [kind for other in graph.others for kind in other.kinds]
    allocations = [*_start(graph), (_BUILTIN_ALLOCATOR, 4), (_SUBGRAPH * (1 + len(graph.others)), 4)]
    allocations += [(_EVAL_TENSOR * n, 4) for n in (len(graph.tensors), *(other.tensors for other in graph.others))]
    allocations += [(_NODE * n, 4) for n in (len(graph.ops), *(len(other.kinds) for other in graph.others))]
    allocations += [(_PARAMS.get(kind, _PARAMS_DEFAULT), 4) for kind in kinds]
    allocations += [(_OP_DATA.get(kind, _OP_DATA_DEFAULT), ALIGNMENT) for kind in kinds]
    allocations += [(n, ALIGNMENT) for op in graph.ops for n in _channel_arrays(graph, op)]
    allocations += [(variable.nbytes, ALIGNMENT) for variable in graph.variables]
    allocations += [(graph.tensors[t].nbytes, ALIGNMENT) for t in graph.in_state]
    allocations.append((4 * sum(len(sizes) for sizes in scratch), 4))
    for ends in (graph.inputs, graph.outputs):
        allocations.append((4 * len(ends), ALIGNMENT))
        for t in ends:
            quant = graph.tensors[t].quant
            parts = (_TENSOR,) if quant is None else (_TENSOR, _AFFINE, 4 + 4 * len(quant.scales))
            allocations += [(n, 4) for n in parts]
    return _laid(allocations)


def _laid(allocations: list[tuple[int, int]]) -> int:
    """What allocations take in their order, each rounded down to its alignment from an aligned end."""
    used = 0
    for nbytes, alignment in allocations:
        used = _up(used + nbytes, alignment) if nbytes else used
    return _up(used, 4)


def _channel_arrays(graph: Graph, op: Op) -> tuple[int, ...]:
    """Multipliers and shifts, which TFLM keeps in RAM: int32 each, a value for every output channel."""
    weights = graph.optional(op, 1)
    if weights is None or weights.quant is None:
        return ()
    if op.kind in _PER_CHANNEL:
        channels = graph.output(op).shape[-1] if graph.output(op).shape else 1
        return (4 * channels, 4 * channels)
    if op.kind == "FULLY_CONNECTED" and weights.quant.per_channel:
        return (4 * len(weights.quant.scales),) * 2
    return ()


def _up(value: int, alignment: int) -> int:
    return -(-value // alignment) * alignment
