"""ADD: the sum of two tensors, broadcast."""

from __future__ import annotations

from ._add import add_code, read, shapes
from .base import Kernel, Operator

OPERATOR = Operator(
    kind="ADD",
    resolver="AddAdd",
    read=read,
    shapes=shapes,
    inputs=(2, 2),
    kernels=(Kernel("add_s8", "add.h", add_code),),
)
