"""FLOOR_MOD: what a division leaves, of the divisor's sign, inside a float island."""

from __future__ import annotations

from ._float_only import float_only

OPERATOR = float_only("FLOOR_MOD", "AddFloorMod", operands=2)
