"""Which boards hold a model: planned once for each instruction set, then held to each board's own limits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from .boards import BoardProfile
from .checking import likely_toolchain, planned_budget
from .compiled import Compiled, Model, compile_model
from .usage import BudgetReport


@dataclass(frozen=True)
class Fit:
    """A model's planned budget on one board."""

    board: BoardProfile
    report: BudgetReport

    @property
    def headroom(self) -> float:
        """The smaller of the parts of flash and RAM that are left, 0 to 1; negative where it does not fit."""
        return min(self.report.flash.left_share, self.report.ram.left_share)

    def json(self) -> dict[str, Any]:
        """The budget's figures beside the headroom."""
        flash, ram = self.report.flash.json(), self.report.ram.json()
        return {"fits": self.report.fits, "headroom": round(self.headroom, 4), "flash": flash, "ram": ram}


def fits(model: Model, boards: Iterable[BoardProfile]) -> list[Fit]:
    """The model on every board, least headroom first; those that cannot hold it come before all others."""
    plans: dict[frozenset[str], Compiled] = {}
    toolchains: dict[str, str] = {}
    found = []
    for board in boards:
        if board.features not in plans:
            plans[board.features] = compile_model(model, board)
        if board.core not in toolchains:
            toolchains[board.core] = likely_toolchain(board.core)
        compiled = replace(plans[board.features], board=board)
        found.append(Fit(board, planned_budget(compiled, toolchain=toolchains[board.core])))
    return sorted(found, key=lambda fit: (fit.headroom, fit.board.name))
