"""LOGICAL_OR: where one of two tensors holds, broadcast."""

from __future__ import annotations

from ._logical import logical

OPERATOR = logical("LOGICAL_OR", "AddLogicalOr", "tg_logical_or")
