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

NOT_RUN = "planned: nothing ran; `tinygen check` of a rendered project runs it"


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
class Performance:
    """What a run of the firmware gave besides its sizes: None where it gave nothing, and `reasons` says why.

    `metric` is {"name", "value", "samples"} of what the firmware itself computed on held-out data.
    """

    instructions: int | None = None
    metric: dict[str, Any] | None = None
    simulator: str | None = None
    compiler: str | None = None
    reasons: dict[str, str] = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        """The keys "instructions" and "metric" of the budget JSON."""
        counted, metric = self.instructions, self.metric or {"name": None, "value": None, "samples": None}
        return {
            "instructions": {
                "per_inference": counted,
                "simulator": None if counted is None else self.simulator,
                "reason": None if counted is not None else self.reasons.get("instructions", NOT_RUN),
            },
            "metric": {**metric, "reason": None if self.metric else self.reasons.get("metric", NOT_RUN)},
        }


@dataclass(frozen=True)
class BudgetReport:
    """Flash and RAM of one model on one board.

    `largest` names what takes the most RAM; `notes` what a reader must know. `checked` is a build with guard zones;
    `heap` is what a MicroPython module takes of the heap, by where it is stored.
    """

    board: str
    source: Source
    flash: Usage
    ram: Usage
    largest: str = ""
    notes: tuple[str, ...] = ()
    model: str = ""
    runtime: str = "aot"
    checked: bool = False
    performance: Performance = field(default_factory=Performance)
    heap: dict[str, int] = field(default_factory=dict)

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
            "model": self.model,
            "runtime": self.runtime,
            **({"heap": dict(self.heap)} if self.heap else {}),
            **self.performance.json(),
        }

    @property
    def shortage(self) -> str:
        """What is short by how much, and what takes the most; empty where it fits."""
        return " ".join(line for line in map(self.shortage_of, (self.flash, self.ram)) if line)

    def shortage_of(self, usage: Usage) -> str:
        """The same for one memory."""
        if not usage.short_bytes:
            return ""
        largest = max(usage.parts, key=lambda part: usage.parts[part])
        return (
            f"{usage.region} over budget on {self.board}: needs {format_size(usage.used_bytes)}, "
            f"has {format_size(usage.limit_bytes)}, short by {format_size(usage.short_bytes)}. "
            f"Largest: {largest} {format_size(usage.parts[largest])}"
            f"{', ' + self.largest if largest == 'arena' and self.largest else ''}."
        )

    def require(self) -> None:
        """Raises OverBudget, with what is short and what to do."""
        if not self.fits:
            raise OverBudget(self.shortage, REMEDY)
