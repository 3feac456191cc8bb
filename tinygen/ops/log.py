"""LOG: the natural logarithm, inside a float island."""

from __future__ import annotations

from ._float_only import float_only

OPERATOR = float_only("LOG", "AddLog")
