"""FLOOR: the next whole number below, inside a float island."""

from __future__ import annotations

from ._float_only import float_only

OPERATOR = float_only("FLOOR", "AddFloor")
