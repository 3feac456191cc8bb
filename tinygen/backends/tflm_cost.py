"""What TensorFlow Lite Micro's own code takes: fitted to firmware for Cortex-M4F, for budgets before a build.

The figures are the flash besides the model of six programs (gcc 12.2, TFLM's default flags, CMSIS-NN) split by
operator, and their deepest stack with a margin. Other cores and flags differ: budgets that use them say so.
"""

from __future__ import annotations

from ..graph.ir import Graph

#: Interpreter, allocator, planner, schema and the C++ runtime's share, with no operator.
INTERPRETER_BYTES = 26_500
OPERATOR_BYTES = {
    "FULLY_CONNECTED": 2_712,
    "RESHAPE": 1_000,
    "SOFTMAX": 4_000,
    "DEPTHWISE_CONV_2D": 11_040,
    "CONV_2D": 6_200,
    "AVERAGE_POOL_2D": 3_028,
    "MAX_POOL_2D": 3_028,
    "ADD": 8_812,
}
OTHER_OPERATOR_BYTES = 6_000
#: The interpreter's objects outside of the arena.
STATIC_BYTES = 768
#: 892 bytes measured at most, and the caller's frame.
STACK_BYTES = 1_024

NOTE = "TFLite Micro's code, static RAM and stack are estimates from programs built for Cortex-M4F."


def runtime_bytes(graph: Graph) -> int:
    """Flash of the interpreter and of the model's operators."""
    kinds = {op.kind for op in graph.ops}
    return INTERPRETER_BYTES + sum(OPERATOR_BYTES.get(kind, OTHER_OPERATOR_BYTES) for kind in kinds)
