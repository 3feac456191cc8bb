"""A session with a device: one request at a time, sent again until its answer comes or the time is over."""

from __future__ import annotations

import secrets
import struct
import time
from dataclasses import dataclass, field

from ..errors import BadInput
from . import messages as msg
from .frames import ANSWER, Decoder, Frame, encode, excerpt, payload_room
from .port import Port, PortGone

_SLOWER = 5  # times `again_s`, at most
_CHARACTER_S = 10 / 115200  # of a line at its usual speed


class DeviceReset(Exception):
    """The device does not know the session any more: it has started anew."""


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds: for a greeting, for an ordinary answer, for an inference.

    What is not answered after `again_s` and the time on the line is sent again, later ever more slowly.
    """

    greeting_s: float = 15.0
    answer_s: float = 15.0
    invoke_s: float = 120.0
    again_s: float = 0.4


@dataclass
class Session:
    """Requests over a port. `retries` counts what was sent again, `ends` is when all has to be over (monotonic)."""

    port: Port
    ends: float
    patience: Patience = Patience()
    retries: int = 0
    decoder: Decoder = field(default_factory=Decoder)
    _session: int = 0
    _sequence: int = 0

    def greet(self) -> msg.Greeting:
        """Begins a session; BadInput where no answer comes: what was waited for, and what came instead."""
        self._session = secrets.randbelow(0xFFFF) + 1
        self._sequence = 0
        self.port.write(b"\n")  # ends whatever line another program left
        status, payload = self._ask(msg.HELLO, 0, bytes([msg.VERSION]), self.patience.greeting_s)
        self._require(msg.HELLO, status)
        return msg.greeting(payload)

    def text(self, index: int) -> str:
        """The model's name (0), its version (1), the tinygen that rendered it (2)."""
        return self._request(msg.INFO, bytes([0, index])).decode("utf-8", "replace")

    def tensor(self, output: bool, index: int) -> msg.DeviceTensor:
        """An input's or output's type and shape."""
        return msg.device_tensor(self._request(msg.INFO, bytes([1 + output, index])))

    def reset(self) -> None:
        """Forgets the state of a streaming model."""
        self._request(msg.RESET, b"")

    def send_input(self, data: bytes, characters: int) -> None:
        """All inputs' bytes, in requests of at most `characters`."""
        room = payload_room(characters) - 4
        for at in range(0, len(data), room):
            self._request(msg.INPUT, struct.pack("<I", at) + data[at : at + room])

    def invoke(self, sample: int, input_crc: int) -> tuple[int, msg.Invoked | None]:
        """(status, what was told): OTHER_INPUT where the input in memory is not the one that was sent."""
        payload = struct.pack("<II", sample, input_crc)
        status, answer = self._numbered(msg.INVOKE, payload, self.patience.invoke_s)
        if status not in (msg.OTHER_INPUT, msg.INVOKE_FAILED):
            self._require(msg.INVOKE, status)
        return status, None if status == msg.OTHER_INPUT else msg.invoked(answer)

    def output(self, nbytes: int, most: int) -> bytes:
        """All outputs' bytes, in answers of at most `most`."""
        parts = []
        for at in range(0, nbytes, most):
            count = min(most, nbytes - at)
            part = self._request(msg.OUTPUT, struct.pack("<IH", at, count))
            if len(part) != count:
                raise msg.Nonsense(f"{self.port.name}: asked for {count} bytes of output, got {len(part)}.")
            parts.append(part)
        return b"".join(parts)

    def layer_ticks(self, layers: int, most: int) -> tuple[int, ...]:
        """What each layer took in the last inference, in ticks; empty where the build does not tell."""
        ticks: list[int] = []
        for first in range(0, layers, most // 4):
            count = min(most // 4, layers - first)
            part = self._request(msg.LAYERS, struct.pack("<HB", first, count))
            if len(part) not in (0, 4 * count):
                raise msg.Nonsense(f"{self.port.name}: asked for {count} layers, got {len(part)} bytes.")
            ticks += struct.unpack(f"<{len(part) // 4}I", part)
        return tuple(ticks)

    def _request(self, kind: int, payload: bytes) -> bytes:
        status, answer = self._numbered(kind, payload, self.patience.answer_s)
        self._require(kind, status)
        return answer

    def _numbered(self, kind: int, payload: bytes, wait_s: float) -> tuple[int, bytes]:
        self._sequence = self._sequence % 0xFFFF + 1
        status, answer = self._ask(kind, self._sequence, payload, wait_s)
        if status == msg.NO_SESSION:
            raise DeviceReset
        return status, answer

    def _require(self, kind: int, status: int) -> None:
        if status != msg.OK:
            told = msg.STATUS[status] if status < len(msg.STATUS) else f"status {status}"
            hint = "What it says at start tells why." if status == msg.NOT_READY else "Flash the project again."
            raise BadInput(f"{self.port.name}: the device refuses {msg.NAMES[kind]}: {told}.", hint)

    def _ask(self, kind: int, sequence: int, payload: bytes, wait_s: float) -> tuple[int, bytes]:
        try:
            return self._answered(kind, sequence, payload, wait_s)
        except PortGone as error:
            said = bytes(self.decoder.chatter)
            last = f" It said last: {excerpt(said)!r}." if said.strip() else ""
            raise PortGone(error.what + last, error.hint) from None

    def _answered(self, kind: int, sequence: int, payload: bytes, wait_s: float) -> tuple[int, bytes]:
        """Sends until the answer with this number comes; late answers to older requests are passed over."""
        request = encode(Frame(kind, self._session, sequence, payload))
        end = min(time.monotonic() + wait_s, self.ends)
        wait = self.patience.again_s + len(request) * _CHARACTER_S
        longest = _SLOWER * wait
        sent = 0
        while time.monotonic() < end or not sent:
            self.port.write(request)
            self.retries += sent > 0
            sent += 1
            again = min(time.monotonic() + wait, end)
            wait = min(2 * wait, longest)
            while time.monotonic() < again:
                for frame in self.decoder.feed(self.port.read()):
                    if (frame.type, frame.session, frame.sequence) == (kind | ANSWER, self._session, sequence):
                        if not frame.payload:
                            raise msg.Nonsense(f"{self.port.name}: an answer without a status.")
                        return frame.payload[0], frame.payload[1:]
        raise self._silent(kind, sent)

    def _silent(self, kind: int, sent: int) -> BadInput:
        said = bytes(self.decoder.chatter)
        what = f"{self.port.name}: no answer to {msg.NAMES[kind]}, sent {sent} times"
        if not said.strip():
            return BadInput(f"{what}; nothing came.", "Is it the right port, and the board on and flashed?")
        hint = "Is it the right port, and its speed 115200?"
        if kind != msg.HELLO:
            hint = "What it says may tell why."
        elif b"not a hexadecimal digit" in said or b"ready: a line of" in said:
            hint = "The firmware is older than this protocol: generate and flash it again."
        return BadInput(f"{what}; what came instead: {excerpt(said)!r}.", hint)
