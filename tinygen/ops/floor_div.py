"""FLOOR_DIV: the quotient, rounded down, inside a float island; the reference stops at a division by zero."""

from __future__ import annotations

from ._float_only import float_only

OPERATOR = float_only("FLOOR_DIV", "AddFloorDiv", operands=2)
