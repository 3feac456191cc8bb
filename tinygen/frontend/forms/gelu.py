"""GELU by its tanh form, x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))), in operators that TFLM has in float."""

from __future__ import annotations

import math
from typing import Any

from .draft import Draft

NOTE = "GELU is computed by its tanh form, at most 0.0005 from the exact one: TensorFlow Lite Micro has no GELU."


def gelu(draft: Draft, x: int, y: int) -> list[Any]:
    """The operators from float tensor x to float tensor y."""
    name, shape = draft.name(y), draft.shape(y)
    done: list[Any] = []

    def step(kind: str, options: str, a: int, b: int | float | None = None, to: int | None = None) -> int:
        out = draft.tensor(f"{name}_{len(done)}", shape, "FLOAT32") if to is None else to
        constant = draft.tensor(f"{name}_{len(done)}_by", (), "FLOAT32", b) if isinstance(b, float) else b
        done.append(draft.operator(kind, (a,) if constant is None else (a, constant), (out,), options))
        return out

    cubic = step("MUL", "MulOptions", step("SQUARE", "SquareOptions", x), 0.044715)
    inner = step("MUL", "MulOptions", step("ADD", "AddOptions", cubic, 1.0), x)
    outer = step("TANH", "", step("MUL", "MulOptions", inner, math.sqrt(2 / math.pi)))
    step("MUL", "MulOptions", step("ADD", "AddOptions", outer, 1.0), step("MUL", "MulOptions", x, 0.5), to=y)
    return done
