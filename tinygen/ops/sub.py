"""SUB: the difference of two tensors, broadcast."""

from __future__ import annotations

from ._add import read, shapes, sub_code
from .base import Kernel, Operator

OPERATOR = Operator(
    kind="SUB",
    resolver="AddSub",
    read=read,
    shapes=shapes,
    inputs=(2, 2),
    kernels=(Kernel("sub_s8", "add.h", sub_code),),
)
