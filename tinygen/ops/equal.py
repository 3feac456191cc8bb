"""EQUAL: where one tensor's value equals the other's, broadcast, as bool."""

from __future__ import annotations

from ._comparison import comparison

OPERATOR = comparison("EQUAL", "AddEqual", result=(0, 1, 0), dtypes=("int8", "int32", "bool"))
