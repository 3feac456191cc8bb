"""LESS_EQUAL: where one tensor's value is at most the other's, broadcast, as bool."""

from __future__ import annotations

from ._comparison import comparison

OPERATOR = comparison("LESS_EQUAL", "AddLessEqual", result=(1, 1, 0), dtypes=("int8", "int32"))
