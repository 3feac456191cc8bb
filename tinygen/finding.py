"""What the quantization doctor says: one line with the layer, the figure and what to do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["note", "warning"]


@dataclass(frozen=True)
class Finding:
    """`kind` is stable ("outliers"); `layer` is empty where the whole model is meant; `figure` is in `unit`.

    A "note" is worth knowing, a "warning" costs accuracy or does not run.
    """

    kind: str
    severity: Severity
    layer: str
    figure: float | None
    unit: str
    text: str
    hint: str

    @property
    def line(self) -> str:
        """As it is printed."""
        where = f"{self.layer}: " if self.layer else ""
        return f"{self.severity}: {where}{self.text} {self.hint}".rstrip()

    def json(self) -> dict[str, Any]:
        """The keys as they are named here."""
        return asdict(self)
