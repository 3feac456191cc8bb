"""Runs a native .mpy of a board in unicorn, in a process of its own: the bytes that are copied to the board."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import OutputsDiffer
from ..worker import WorkerFault, run_job


@dataclass(frozen=True)
class CoreRun:
    """The outputs, a sample each; `instructions` of the module's text for one inference, from a reset state."""

    outputs: tuple[bytes, ...]
    instructions: int


def run_on_core(
    mpy: bytes, samples: Sequence[bytes], counted: bytes, output_bytes: int, *, timeout_s: float
) -> CoreRun:
    """Runs every sample in order, then `counted` once more from a reset state.

    Raises MissingTool without unicorn, OutputsDiffer where the module raises, faults or does not end.
    """
    with tempfile.TemporaryDirectory(prefix="tinygen-") as work:
        folder = Path(work)
        (folder / "module.mpy").write_bytes(mpy)
        (folder / "samples.bin").write_bytes(b"".join([*samples, counted]))
        request = {"folder": work, "input_bytes": len(counted), "output_bytes": output_bytes}
        try:
            answer = run_job("tinygen.micropython.on_unicorn:job", request, timeout_seconds=timeout_s, extra="sim")
        except WorkerFault as error:
            raise OutputsDiffer(f"The module in unicorn: {error.what}") from error
        found = (folder / "outputs.bin").read_bytes()
    outputs = tuple(found[i * output_bytes : (i + 1) * output_bytes] for i in range(len(samples)))
    return CoreRun(outputs, int(answer["instructions"]))


def job(request: dict[str, Any], _progress: Callable[[str], None]) -> dict[str, Any]:
    """The child's side."""
    from .loader import Module, Raised

    folder, size = Path(request["folder"]), int(request["input_bytes"])
    module = Module((folder / "module.mpy").read_bytes())
    arena = module.allocate(module.values["ARENA_BYTES"])
    data = (folder / "samples.bin").read_bytes()
    *samples, counted = (data[i : i + size] for i in range(0, len(data), size))
    try:
        outputs = [module.run(sample, arena, request["output_bytes"]) for sample in samples]
        module.call(module.values["reset"], (arena,))
        module.run(counted, arena, request["output_bytes"])
    except Raised as raised:
        raise OutputsDiffer(f"The module in unicorn raises {raised}.") from raised
    (folder / "outputs.bin").write_bytes(b"".join(outputs))
    return {"instructions": module.instructions}
