"""PAD: zeros around a tensor; TFLM runs PAD and PADV2 by one kernel, each with or without a value."""

from __future__ import annotations

from ._pad import KERNEL, shapes
from .base import Operator

OPERATOR = Operator(
    kind="PAD",
    resolver="AddPad",
    limits="1 to 5 dimensions; constant paddings and value",
    shapes=shapes,
    inputs=(2, 3),
    kernels=(KERNEL,),
)
