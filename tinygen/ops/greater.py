"""GREATER: where one tensor's value is above the other's, broadcast, as bool."""

from __future__ import annotations

from ._comparison import comparison

OPERATOR = comparison("GREATER", "AddGreater", result=(0, 0, 1), dtypes=("int8", "int32"))
