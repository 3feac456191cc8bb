"""Streams samples to a device: every sample runs to a result once, whatever the line and the device do meanwhile.

A device that was reset has lost its session; where something else disturbed a sample, a CRC-32 shows it. Then the
sample is sent again; a model with a state is reset and gets all samples from the first one, so that its state is what
it would have been.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..errors import BadInput, OutputsDiffer
from . import messages as msg
from .session import DeviceReset, Session

#: So often a sample is begun again before the device counts as broken.
_MOST_ATTEMPTS = 4
#: The layers' times are asked for after each of the first inferences.
_TIMED_SAMPLES = 10


class _Disturbed(Exception):
    """Input or output in memory is not what was sent or computed: something else writes there."""


@dataclass(frozen=True)
class Ran:
    """One inference: the outputs' bytes, and ticks of the device's clock, for each layer where it tells them."""

    output: bytes
    ticks: int
    layer_ticks: tuple[int, ...]


@dataclass(frozen=True)
class Streamed:
    """What came of all samples. `resets` of the device were seen, `disturbed` samples were sent again."""

    runs: tuple[Ran, ...]
    resets: int
    disturbed: int


def stream(
    session: Session,
    device: msg.Greeting,
    samples: Sequence[bytes],
    *,
    stateful: bool,
    on_sample: Callable[[int], None] = lambda _done: None,
) -> Streamed:
    """Runs every sample in order, from a reset state, over a session that has been greeted.

    BadInput where the device does not answer any more, or is reset again and again.
    """
    return _Stream(session, device, samples, stateful, on_sample).run()


class _Stream:
    def __init__(
        self, session: Session, device: msg.Greeting, samples: Sequence[bytes], stateful: bool,
        on_sample: Callable[[int], None],
    ) -> None:  # fmt: skip
        self._session, self._device, self._samples = session, device, samples
        self._stateful, self._on_sample = stateful, on_sample
        self._runs: list[Ran] = []
        self._invocations = 0
        self._resets = self._disturbed = 0

    def run(self) -> Streamed:
        attempts: dict[int, int] = {}
        fresh = False
        while len(self._runs) < len(self._samples):
            at = len(self._runs)
            try:
                if not fresh:
                    self._begin()
                    fresh, at = True, len(self._runs)
                self._runs.append(self._sample(at))
                self._on_sample(len(self._runs))
            except (DeviceReset, _Disturbed) as trouble:
                attempts[at] = attempts.get(at, 0) + 1
                if attempts[at] >= _MOST_ATTEMPTS:
                    raise self._broken(at, attempts[at], isinstance(trouble, DeviceReset)) from None
                fresh = not isinstance(trouble, DeviceReset) and not self._stateful
                self._recover(trouble)
        return Streamed(tuple(self._runs), self._resets, self._disturbed)

    def _begin(self) -> None:
        """A model with a state starts over: what ran before is run again, and counts once."""
        self._session.reset()
        if self._stateful:
            self._runs.clear()

    def _recover(self, trouble: Exception) -> None:
        if isinstance(trouble, DeviceReset):
            self._resets += 1
            self._invocations = 0
            again = self._session.greet()
            if again.sha256 != self._device.sha256:
                raise BadInput(f"{self._session.port.name}: after a reset the device runs another model.")
            self._device = again
        else:
            self._disturbed += 1

    def _sample(self, index: int) -> Ran:
        sample = self._samples[index]
        self._session.send_input(sample, self._device.request_characters)
        status, told = self._session.invoke(index, zlib.crc32(sample))
        if status == msg.OTHER_INPUT or told is None:
            raise _Disturbed
        self._invocations += 1
        if (told.sample, told.invocations) != (index, self._invocations):
            raise msg.Nonsense(
                f"{self._session.port.name}: the device tells of sample {told.sample} and {told.invocations} "
                f"inferences, sample {index} and {self._invocations} were asked for."
            )
        if status == msg.INVOKE_FAILED:
            raise OutputsDiffer(f"sample {index}: the model's invoke returned {told.model_status} on the device.")
        output = self._session.output(self._device.output_bytes, self._device.answer_bytes)
        if zlib.crc32(output) != told.output_crc:
            raise _Disturbed
        timed = self._device.timed_layers and index < _TIMED_SAMPLES
        layers = self._session.layer_ticks(self._device.layers, self._device.answer_bytes) if timed else ()
        return Ran(output, told.ticks, layers)

    def _broken(self, at: int, times: int, reset: bool) -> BadInput:
        what = "the device was reset" if reset else "something else wrote into the model's buffers"
        hint = "What it says at start may tell why." if reset else "No other program may use the port meanwhile."
        return BadInput(f"{self._session.port.name}: {what} {times} times in sample {at}.", hint)
