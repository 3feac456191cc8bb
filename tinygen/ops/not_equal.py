"""NOT_EQUAL: where one tensor's value differs from the other's, broadcast, as bool."""

from __future__ import annotations

from ._comparison import comparison

OPERATOR = comparison("NOT_EQUAL", "AddNotEqual", result=(1, 0, 1), dtypes=("int8", "int32", "bool"))
