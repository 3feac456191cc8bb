"""LESS: where one tensor's value is below the other's, broadcast, as bool."""

from __future__ import annotations

from ._comparison import comparison

OPERATOR = comparison("LESS", "AddLess", result=(1, 0, 0), dtypes=("int8", "int32"))
