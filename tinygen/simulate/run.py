"""Runs a program in the simulator asked for: the one interface to all of them."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..boards import BoardProfile, SimulatorSpec
from ..errors import BadInput, suggest
from ..image import Image
from . import labwired, native, qemu, unicorn_cpu
from .protocol import HOST_CLOCK, NO_CLOCK, SPIN_INSTRUCTIONS, Clock, Failed, Job, Response, decode, encode
from .result import Fault, LayerEvent, RunResult

NO_INSTRUCTIONS = "a program of the host has no instructions of the target"
#: Simulators that count no instructions, and why.
UNCOUNTED = {"native": NO_INSTRUCTIONS, "labwired": labwired.NO_INSTRUCTIONS}
_ARM_FAULTS = {2: "NMI", 3: "HardFault", 4: "MemManage fault", 5: "BusFault", 6: "UsageFault"}
_ARM_STATUS = {
    0: "instruction fetch", 1: "data access", 3: "unstacking", 4: "stacking: stack overflow",
    8: "instruction bus error",
    9: "precise data bus error", 10: "imprecise data bus error", 11: "unstacking", 12: "stacking: stack overflow",
    16: "undefined instruction", 17: "invalid state", 18: "invalid PC", 19: "no coprocessor", 20: "stack overflow",
    24: "unaligned access", 25: "division by zero",
}  # fmt: skip
_RISCV_CAUSES = {
    0: "misaligned instruction", 1: "instruction access fault", 2: "illegal instruction", 3: "breakpoint",
    4: "misaligned load", 5: "load access fault", 6: "misaligned store", 7: "store access fault",
}  # fmt: skip
_OVERRUN = 2  # TG_ERROR_OVERRUN
_STACK_LEFT = 1 << 20
_STACK_UNKNOWN, _STACK_OVERFLOW = 0xFFFFFFFF, 0xFFFFFFFE


def simulators(board: BoardProfile) -> list[str]:
    """The simulators that can run a board's program, the default first: those that count, then "native", then labwired,
    which takes minutes where the others take seconds."""
    kinds = dict.fromkeys(s.kind for s in board.simulators)
    slow = ["labwired"] if kinds.pop("labwired", "") is None else []
    return [*kinds, "native", *slow]


def choose(board: BoardProfile, on: str | None) -> str:
    """The simulator asked for, or the board's first. Raises BadInput where the board has no such simulator."""
    known = simulators(board)
    if on is None:
        return known[0]
    if on not in known:
        raise BadInput(f"{board.name} has no simulator {on!r}, only {', '.join(known)}.", suggest(on, known))
    return on


def run_image(
    image: Image,
    board: BoardProfile,
    samples: Sequence[bytes],
    *,
    simulator: str,
    count_sample: int | None = 0,
    trace: bool = False,
    keep_data: bool = False,
    timeout_s: float = 300.0,
) -> RunResult:
    """Runs every sample in order, from a reset state, and counts the instructions of `count_sample`, called once more.

    With `trace` (an image built with it) the last sample is traced layer by layer, nothing is counted as a whole, and
    `keep_data` keeps each layer's output. Samples are the inputs' bytes, one after the other. A program that faults or
    hangs gives a result with `fault` set and what came before it; MissingTool where the simulator is not installed.
    """
    job = Job(samples, None if trace or simulator in UNCOUNTED else count_sample, trace, keep_data)
    spec = next((s for s in board.simulators if s.kind == simulator), None)
    clock = NO_CLOCK if simulator in UNCOUNTED else _clock(simulator, spec)
    with tempfile.TemporaryDirectory(prefix="tinygen-") as name:
        folder = Path(name)
        (folder / "request.bin").write_bytes(encode(job, clock))
        fault = _execute(image, board, simulator, spec, folder, timeout_s)
        written = folder / "response.bin"
        response = decode(written.read_bytes() if written.is_file() else b"")
    fault = _fault(response, image, fault, trace)
    instructions, reason = _instructions(response, clock, job)
    stack = max(response.stack_bytes, default=None)
    return RunResult(
        simulator=simulator,
        outputs=tuple(response.outputs[: response.failed.outputs] if response.failed else response.outputs),
        instructions=instructions,
        instructions_reason=UNCOUNTED.get(simulator, reason),
        stack_bytes=None if stack in (_STACK_UNKNOWN, _STACK_OVERFLOW) else stack,
        layers=_layers(response, clock),
        fault=fault,
    )


def _clock(simulator: str, spec: SimulatorSpec | None) -> Clock:
    if simulator == "qemu" and spec is not None:
        return qemu.clock(spec)[0]
    return HOST_CLOCK


def _execute(
    image: Image, board: BoardProfile, simulator: str, spec: SimulatorSpec | None, folder: Path, timeout_s: float
) -> Fault | None:
    if simulator == "native":
        return native.execute(image, folder, timeout_s)
    if simulator == "qemu" and spec is not None:
        return qemu.execute(image, spec, folder, timeout_s)
    if simulator == "labwired" and spec is not None:
        return labwired.execute(image, spec, folder, timeout_s)
    if simulator == "unicorn":
        return unicorn_cpu.execute(image, board, folder, timeout_s)
    raise BadInput(f"{board.name} has no simulator {simulator!r}, only {', '.join(simulators(board))}.")


def _fault(response: Response, image: Image, fault: Fault | None, trace: bool) -> Fault | None:
    done = len(response.layers) if trace else None
    if response.fault is not None:
        cause, pc, _, address, status = response.fault
        what = _describe(cause, status, image.core.startswith("rv32"))
        place = f" at {address:#010x}" if address else ""
        where = image.function_at(pc)
        known = pc and not (status & _STACK_LEFT and where.startswith("0x"))
        return Fault(f"{what}{place}", where if known else "", done)
    if _STACK_OVERFLOW in response.stack_bytes:
        return Fault("stack overflow: the stack's last word was written", "", done)
    if response.failed is not None:
        return _failed(response.failed, image, done)
    if fault is not None:
        return Fault(fault.what, fault.where, done)
    if not response.ended:
        return Fault("the program ended before its request did", "", done)
    return None


def _failed(failed: Failed, image: Image, done: int | None) -> Fault:
    if failed.status == _OVERRUN:
        return Fault("a write outside of the layer's buffers", "", done, failed.layer)
    return Fault(f"{image.model}_invoke returned {failed.status}", "", done)


def _describe(cause: int, status: int, riscv: bool) -> str:
    if riscv:
        text = _RISCV_CAUSES.get(cause, f"trap {cause:#x}")
        return f"stack overflow ({text})" if status & _STACK_LEFT else text
    bits = [text for bit, text in _ARM_STATUS.items() if status >> bit & 1]
    name = _ARM_FAULTS.get(cause, f"exception {cause}")
    if any("stack overflow" in text for text in bits):
        return f"{name} (stack overflow)"
    return f"{name} ({', '.join(dict.fromkeys(bits))})" if bits else name


def _instructions(response: Response, clock: Clock, job: Job) -> tuple[int | None, str]:
    if job.count_sample is None or response.counts is None:
        return None, "not counted"
    spin, one, call = (round(ticks / clock.ticks_per_instruction) for ticks in response.counts)
    spun = spin - one + 1
    if abs(spun - SPIN_INSTRUCTIONS) > 0.01 * SPIN_INSTRUCTIONS:
        return None, f"the simulator's clock does not count instructions: {spun} for {SPIN_INSTRUCTIONS}"
    return call - one + 1, ""


def _layers(response: Response, clock: Clock) -> tuple[LayerEvent, ...]:
    rate = clock.ticks_per_instruction
    cost = round(response.hook_ticks / rate)
    counts = clock.number != NO_CLOCK.number
    return tuple(
        LayerEvent(index, max(0, round(ticks / rate) - cost) if counts else None, data)
        for index, ticks, data in response.layers
    )
