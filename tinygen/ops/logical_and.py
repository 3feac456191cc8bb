"""LOGICAL_AND: where both tensors hold, broadcast."""

from __future__ import annotations

from ._logical import logical

OPERATOR = logical("LOGICAL_AND", "AddLogicalAnd", "tg_logical_and")
