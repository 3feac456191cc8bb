"""The bytes that the harness reads and writes: firmware/platform/harness.c is the other side."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

_END, _RESET, _INPUT, _INVOKE, _COUNT, _OUTPUT, _TRACE, _TRACE_DATA = range(8)
_MAGIC = b"TGRQ"
SPIN_INSTRUCTIONS = 2 * 5000 + 1


@dataclass(frozen=True)
class Clock:
    """The clock that the harness reads: its number there, its address, its ticks an instruction.

    `protect` makes the harness close all memory that the board lacks, where the simulator has more.
    """

    number: int
    address: int = 0
    ticks_per_instruction: float = 1.0
    protect: bool = False


NO_CLOCK = Clock(0)
HOST_CLOCK = Clock(4)


@dataclass(frozen=True)
class Job:
    """What one run does: every sample in order, one of them counted once more, or the last one traced."""

    samples: Sequence[bytes]
    count_sample: int | None = 0
    trace: bool = False
    keep_data: bool = False


@dataclass(frozen=True)
class Failed:
    """A call that did not return TG_OK: the layer that a checked build names (-1: none), outputs written before."""

    status: int
    layer: int
    outputs: int


@dataclass
class Response:
    """What the harness wrote, as far as it came; `failed` is the first call that did."""

    outputs: list[bytes] = field(default_factory=list)
    counts: tuple[int, int, int] | None = None
    hook_ticks: int = 0
    layers: list[tuple[int, int, bytes]] = field(default_factory=list)
    stack_bytes: list[int] = field(default_factory=list)
    failed: Failed | None = None
    fault: tuple[int, int, int, int, int] | None = None
    ended: bool = False


def encode(job: Job, clock: Clock) -> bytes:
    """The request. The counted call follows a call of the same sample where that is the first, else it comes last.

    A model's state is reset before the first sample and before the counted call; after a counted first sample the
    state is what that sample left, so later samples see what they would have seen without the count.
    """
    out = [_MAGIC, struct.pack("<III", clock.number, clock.address, clock.protect), _word(_RESET)]
    for i, sample in enumerate(job.samples):
        traced = job.trace and i == len(job.samples) - 1
        call = (_TRACE_DATA if job.keep_data else _TRACE) if traced else _INVOKE
        out += [_word(_INPUT), sample, _word(call), _word(_OUTPUT)]
        if i == 0 and job.count_sample == 0:
            out += _counted(sample)
    if job.count_sample:
        out += _counted(job.samples[job.count_sample])
    out.append(_word(_END))
    return b"".join(out)


def decode(data: bytes) -> Response:
    """The response up to where it breaks off."""
    response = Response()
    at = 0
    while at + 8 <= len(data):
        tag, size = struct.unpack_from("<II", data, at)
        payload = data[at + 8 : at + 8 + size]
        at += 8 + size
        if len(payload) < size:
            break
        _take(response, chr(tag & 0xFF), payload)
    return response


def _take(response: Response, tag: str, payload: bytes) -> None:
    if tag == "O":
        response.outputs.append(payload)
    elif tag == "C":
        spin, one, call = struct.unpack("<QQQ", payload)
        response.counts = (spin, one, call)
    elif tag == "H":
        (response.hook_ticks,) = struct.unpack("<Q", payload)
    elif tag == "L":
        index, ticks = struct.unpack_from("<IQ", payload)
        response.layers.append((index, ticks, payload[12:]))
    elif tag == "K":
        response.stack_bytes += struct.unpack("<I", payload)
    elif tag == "S" and response.failed is None:
        status, *layer = struct.unpack(f"<{len(payload) // 4}i", payload)
        response.failed = Failed(status, layer[0] if layer else -1, len(response.outputs))
    elif tag == "F":
        response.fault = struct.unpack("<5I", payload)
    elif tag == "E":
        response.ended = True


def _counted(sample: bytes) -> list[bytes]:
    return [_word(_RESET), _word(_INPUT), sample, _word(_COUNT)]


def _word(value: int) -> bytes:
    return struct.pack("<I", value)
