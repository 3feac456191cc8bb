"""The gate: a candidate's untrained model is converted and planned for the boards, and refused where it cannot fit.

Sizes do not hang on what the weights are, only on the model's shape, its precision, and where weights are zero. So an
untrained model with its smallest weights set to zero has the trained one's arena to the byte and its flash within what
training moves among the zeros; the trained one is planned again.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..boards import BoardProfile, load_board
from ..checking import planned_model
from ..compiled import Model
from ..frontend.importer import import_tflite
from ..measure import graph_macs, measure_step
from ..project import Kind, Runtime
from ..records import Optimize
from ..units import format_latency
from ..usage import BudgetReport


@dataclass(frozen=True)
class Limits:
    """The boards, how the firmware is made, and [budget]: bytes and microseconds, None where only the board limits."""

    boards: tuple[str, ...]
    runtime: Runtime = "aot"
    project: Kind = "platformio"
    optimize: Optimize = "balanced"
    flash: int | None = None
    ram: int | None = None
    latency_us: float | None = None


@dataclass(frozen=True)
class Plan:
    """Planned figures on the first board; `shortage` says what is over on any, and `overshoot` by how many times.

    `latency_us` is the least that the instructions take, at one cycle each; counted only where there is a limit.
    """

    flash_bytes: int
    ram_bytes: int
    weights_bytes: int
    arena_bytes: int
    macs: int
    latency_us: float | None
    shortage: str
    overshoot: float

    def json(self) -> dict[str, Any]:
        """The figures by name."""
        return asdict(self)


def plan(tflite: bytes, limits: Limits) -> Plan:
    """The firmware of a model as planned. BadInput where the back end does not take it."""
    model = Model("candidate", tflite)
    boards = [load_board(name) for name in limits.boards]
    reports = [_report(model, board, limits) for board in boards]
    macs = graph_macs(import_tflite(tflite, model.name, supported_only=False))
    shortages = [report.shortage for report in reports if report.shortage]
    over = [u.used_bytes / u.limit_bytes for report in reports for u in (report.flash, report.ram)]
    latencies = [_least_latency(model, name, board, macs, limits) for name, board in zip(limits.boards, boards)]
    for board, latency in zip(boards, latencies):
        if limits.latency_us is not None and latency is not None:
            over.append(latency / limits.latency_us)
            if latency > limits.latency_us:
                told, limit = format_latency(latency), format_latency(limits.latency_us)
                shortages.append(f"Latency over budget on {board.name}: at least {told}, the budget is {limit}.")
    return Plan(
        flash_bytes=reports[0].flash.used_bytes,
        ram_bytes=reports[0].ram.used_bytes,
        weights_bytes=reports[0].flash.parts["weights"],
        arena_bytes=reports[0].ram.parts["arena"],
        macs=macs,
        latency_us=latencies[0],
        shortage=" ".join(shortages),
        overshoot=max(over),
    )


def _report(model: Model, board: BoardProfile, limits: Limits) -> BudgetReport:
    return planned_model(
        model, board, runtime=limits.runtime, optimize=limits.optimize, project=limits.project, max_flash=limits.flash,
        max_ram=limits.ram,
    )  # fmt: skip


def _least_latency(model: Model, name: str, board: BoardProfile, macs: int, limits: Limits) -> float | None:
    """Instructions counted in the simulator, else the multiplications, at one cycle each: a bound from below."""
    if limits.latency_us is None:
        return None
    counted = measure_step(model, name, None, limits.runtime, optimize=limits.optimize).instructions
    return (macs if counted is None else counted) / board.clock_hz * 1e6


def sparse(model: Any, sparsity: float) -> Any:
    """The model with the smallest weights of each large kernel set to zero, in place."""
    from ..compress._kernels import large_kernels

    for _, kernel in large_kernels(model) if sparsity else []:
        values = kernel.numpy()
        order = np.argsort(np.abs(values), axis=None, kind="stable")
        values.reshape(-1)[order[: round(sparsity * values.size)]] = 0.0
        kernel.assign(values)
    return model
