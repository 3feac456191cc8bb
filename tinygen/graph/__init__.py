"""The data that every stage shares: tensors, operators, the graph. Nothing here acts on it."""

from .ir import Graph, Op, Quant, State, Tensor

__all__ = ["Graph", "Op", "Quant", "State", "Tensor"]
