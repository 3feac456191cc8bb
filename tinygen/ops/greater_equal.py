"""GREATER_EQUAL: where one tensor's value is at least the other's, broadcast, as bool."""

from __future__ import annotations

from ._comparison import comparison

OPERATOR = comparison("GREATER_EQUAL", "AddGreaterEqual", result=(0, 1, 1), dtypes=("int8", "int32"))
