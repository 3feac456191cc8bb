"""What requests ask and answers tell, as the device's tg_link.c writes them; nothing in an answer is trusted."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ..errors import BadInput

VERSION = 1
HELLO, INFO, INPUT, INVOKE, OUTPUT, LAYERS, RESET = range(1, 8)
NAMES = ("", "HELLO", "INFO", "INPUT", "INVOKE", "OUTPUT", "LAYERS", "RESET")
OK, NO_SESSION, BAD_REQUEST, NOT_READY, OTHER_INPUT, INVOKE_FAILED = range(6)
STATUS = (
    "done", "no session", "bad request", "the model is not ready", "another input", "the model's invoke failed",
)  # fmt: skip
_READY, _SIMULATED, _TIMED_LAYERS, _TESTED, _TEST_PASSED = 1, 2, 4, 8, 16
_HELLO = struct.Struct("<BBHHIIIHBB")
_INVOKED = struct.Struct("<BIIII")
_TENSOR = struct.Struct("<BBI")
TYPES = ("int8", "uint8", "int16", "int32", "float32", "bool", "int64")


class Nonsense(BadInput):
    """An answer that no firmware of tinygen's gives."""


@dataclass(frozen=True)
class Greeting:
    """A device's answer to HELLO. `request_characters` and `answer_bytes` limit what one frame carries.

    `ticks_per_second` is 0 where ticks are cycles of the core.
    """

    version: int
    ready: bool
    simulated: bool
    timed_layers: bool
    self_test: bool | None
    request_characters: int
    answer_bytes: int
    ticks_per_second: int
    input_bytes: int
    output_bytes: int
    layers: int
    inputs: int
    outputs: int
    sha256: str


@dataclass(frozen=True)
class DeviceTensor:
    """An input or output as the device tells it."""

    dtype: str
    shape: tuple[int, ...]
    nbytes: int
    name: str


@dataclass(frozen=True)
class Invoked:
    """An answer to INVOKE: `ticks` of the device's clock, `invocations` since the session began."""

    model_status: int
    sample: int
    ticks: int
    output_crc: int
    invocations: int


def greeting(payload: bytes) -> Greeting:
    """A HELLO answer without its status; Nonsense where it is none, BadInput for another protocol's version."""
    if payload[:1] not in (b"", bytes([VERSION])):
        raise BadInput(
            f"The device speaks version {payload[0]} of the serial protocol, this tinygen version {VERSION}.",
            "`tinygen generate` and `tinygen flash` renew the firmware.",
        )
    if len(payload) < _HELLO.size:
        raise Nonsense(f"The device's greeting has {len(payload)} bytes, {_HELLO.size} and the SHA-256 were expected.")
    version, flags, characters, answer, hz, in_bytes, out_bytes, layers, inputs, outputs = _HELLO.unpack_from(payload)
    if not 40 <= characters <= 4096 or not 16 <= answer <= 512 or not in_bytes or not out_bytes:
        raise Nonsense("The device's greeting has lengths that no firmware of tinygen's has.")
    return Greeting(
        version=version,
        ready=bool(flags & _READY),
        simulated=bool(flags & _SIMULATED),
        timed_layers=bool(flags & _TIMED_LAYERS),
        self_test=bool(flags & _TEST_PASSED) if flags & _TESTED else None,
        request_characters=characters,
        answer_bytes=answer,
        ticks_per_second=hz,
        input_bytes=in_bytes,
        output_bytes=out_bytes,
        layers=layers,
        inputs=inputs,
        outputs=outputs,
        sha256=payload[_HELLO.size :].hex(),
    )


def device_tensor(payload: bytes) -> DeviceTensor:
    """An INFO answer about an input or output."""
    if len(payload) < _TENSOR.size:
        raise Nonsense("The device describes a tensor in too few bytes.")
    kind, rank, nbytes = _TENSOR.unpack_from(payload)
    end = _TENSOR.size + 4 * rank
    if kind >= len(TYPES) or rank > 8 or len(payload) < end:
        raise Nonsense("The device describes a tensor that no firmware of tinygen's has.")
    shape = struct.unpack_from(f"<{rank}i", payload, _TENSOR.size)
    return DeviceTensor(TYPES[kind], shape, nbytes, payload[end:].decode("utf-8", "replace"))


def invoked(payload: bytes) -> Invoked:
    """An INVOKE answer without its status."""
    if len(payload) != _INVOKED.size:
        raise Nonsense(f"The device answers INVOKE in {len(payload)} bytes, not {_INVOKED.size}.")
    return Invoked(*_INVOKED.unpack(payload))
