"""Use of a board's memories: flash and RAM by part, against their limits; what budgets say and reports show."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from .errors import OverBudget
from .units import format_size

Source = Literal["planned", "linked"]
REMEDY = (
    "Fewer or narrower layers shrink weights; a smaller input or an earlier stride shrinks the arena; "
    "`tinygen boards --fits MODEL` lists the boards that hold it."
)


@dataclass(frozen=True)
class Usage:
    """One kind of memory: bytes used, by part, and the limit."""

    region: str
    limit_bytes: int
    parts: dict[str, int]

    @property
    def used_bytes(self) -> int:
        """The sum of the parts."""
        return sum(self.parts.values())

    @property
    def short_bytes(self) -> int:
        """Bytes missing, 0 where it fits."""
        return max(0, self.used_bytes - self.limit_bytes)

    @property
    def left_share(self) -> float:
        """The part of the limit that is left, 0 to 1; negative where it is short."""
        return 1 - self.used_bytes / self.limit_bytes

    def json(self) -> dict[str, Any]:
        """As DESIGN's budget JSON has it."""
        return {"used_bytes": self.used_bytes, "limit_bytes": self.limit_bytes, "parts": dict(self.parts)}


@dataclass(frozen=True)
class BudgetReport:
    """Flash and RAM of one model on one board.

    `largest` names what takes the most RAM; `notes` what a reader must know.
    """

    board: str
    source: Source
    flash: Usage
    ram: Usage
    largest: str = ""
    notes: tuple[str, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def fits(self) -> bool:
        """Whether both are within their limits."""
        return not (self.flash.short_bytes or self.ram.short_bytes)

    def json(self) -> dict[str, Any]:
        """The "tinygen.budget/1" object."""
        return {
            "schema": "tinygen.budget/1",
            "board": self.board,
            "fits": self.fits,
            "source": self.source,
            "flash": self.flash.json(),
            "ram": self.ram.json(),
            "latency": {"us": None, "reason": "no factor from instructions to time is known for this board"},
            "largest": self.largest,
            "notes": list(self.notes),
            **self.details,
        }

    @property
    def shortage(self) -> str:
        """What is short by how much, and what takes the most; empty where it fits."""
        lines = []
        for usage in (self.flash, self.ram):
            if usage.short_bytes:
                largest = max(usage.parts, key=lambda part: usage.parts[part])
                lines.append(
                    f"{usage.region} over budget on {self.board}: needs {format_size(usage.used_bytes)}, "
                    f"has {format_size(usage.limit_bytes)}, short by {format_size(usage.short_bytes)}. "
                    f"Largest: {largest} {format_size(usage.parts[largest])}"
                    f"{', ' + self.largest if largest == 'arena' and self.largest else ''}."
                )
        return " ".join(lines)

    def require(self) -> None:
        """Raises OverBudget, with what is short and what to do."""
        if not self.fits:
            raise OverBudget(self.shortage, REMEDY)
