"""UNIDIRECTIONAL_SEQUENCE_LSTM: Keras's LSTM over a sequence, with int8 weights; its two states are variables."""

from __future__ import annotations

from dataclasses import dataclass

from ..flatbuffer import Table
from ..graph.ir import Graph, Op
from ._lstm import BIASES, CELL, HIDDEN, INPUT_WEIGHTS, STATE_WEIGHTS, states, sums, weights
from ._sigmoid16 import table
from ._variable import check_variable
from .base import (
    ACTIVATIONS,
    Const,
    Constant,
    In,
    Kernel,
    LayerCode,
    Operator,
    Out,
    Shape,
    bad_layer,
    unsupported,
)

COUNT = 24
#: What TFLM does not compute either, by the inputs that ask for it.
VARIANTS = {
    "peephole connections are": (9, 10, 11),
    "a projection is": (16, 17),
    "layer normalization is": (20, 21, 22, 23),
}


@dataclass(frozen=True)
class Lstm:
    """UnidirectionalSequenceLSTMOptions that TFLM heeds; `fused` is the cell gate's activation."""

    fused: int
    cell_clip: float
    time_major: bool


def read(options: Table) -> Lstm:
    """UnidirectionalSequenceLSTMOptions."""
    return Lstm(options.int8(0), options.float32(1), options.bool(3))


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """[batches, steps, units], or [steps, batches, units] where time comes first, as the input has it."""
    x = graph.input(op, 0)
    _check_variant(graph, op)
    check_variable(graph, op, HIDDEN, CELL)
    hidden, cell = graph.input(op, HIDDEN), graph.input(op, CELL)
    if len(x.shape) != 3 or len(hidden.shape) < 2:
        raise bad_layer(op, f"needs an input of 3 dimensions and a hidden state of 2, has {x.shape}, {hidden.shape}")
    batches, _ = _sequence(op, x.shape)
    depth, units = x.shape[2], hidden.shape[1]
    if hidden.size != batches * units or cell.size != batches * units:
        raise bad_layer(op, f"its states are {hidden.shape} and {cell.shape} for {batches} batches of {units} units")
    if hidden.dtype != x.dtype or cell.dtype != "int16":
        raise bad_layer(op, f"its states are {hidden.dtype} and {cell.dtype}, needed {x.dtype} and int16")
    for rows, columns in ((INPUT_WEIGHTS, depth), (STATE_WEIGHTS, units)):
        _check_constants(graph, op, rows, "int8", (units, columns))
    _check_constants(graph, op, BIASES, "int64" if x.dtype == "int16" else "int32", (units,))
    return ((*x.shape[:2], units),)


def _sequence(op: Op, shape: Shape) -> tuple[int, int]:
    """(batches, steps)."""
    return (shape[1], shape[0]) if op.attrs.time_major else (shape[0], shape[1])


def _check_variant(graph: Graph, op: Op) -> None:
    if len(op.inputs) != COUNT:
        raise bad_layer(op, f"has {len(op.inputs)} inputs, needed {COUNT}")
    for what, places in VARIANTS.items():
        if any(graph.optional(op, i) is not None for i in places):
            raise unsupported(op, f"{what} not supported")
    if any(op.inputs[i] < 0 for i in (*INPUT_WEIGHTS, *STATE_WEIGHTS, *BIASES)):
        raise unsupported(op, "an LSTM without one of its gates is not supported")
    if op.attrs.fused != ACTIVATIONS.index("TANH"):
        raise unsupported(op, f"activation {op.attrs.fused} of the cell, not TANH, is not supported")


def _check_constants(graph: Graph, op: Op, places: tuple[int, ...], dtype: str, shape: Shape) -> None:
    for tensor in (graph.input(op, i) for i in places):
        if tensor.data is None or tensor.dtype != dtype or tensor.shape != shape:
            raise bad_layer(op, f"needs {tensor.name!r} to be a constant {dtype} {shape}")


def macs(graph: Graph, op: Op) -> int:
    """Multiplications of all gates."""
    x, y = graph.input(op, 0), graph.output(op)
    return 4 * y.size * (sum(x.shape[2:3]) + sum(y.shape[2:3]))


def emit(graph: Graph, op: Op) -> LayerCode:
    """One call for all steps; each step's output is the hidden state of the next, so that no scratch is needed."""
    x, units = graph.input(op, 0), graph.output(op).shape[2]
    batches, steps = _sequence(op, x.shape)
    fields, bias = sums(graph, op)
    return LayerCode(
        function="tg_lstm_" + ("s8" if x.dtype == "int8" else "s16" if bias.ctype == "int32_t" else "s16_deep"),
        struct="tg_lstm_params",
        params=(
            ("batches", batches),
            ("steps", steps),
            ("batch_rows", 1 if op.attrs.time_major else steps),
            ("step_rows", batches if op.attrs.time_major else 1),
            ("depth", x.shape[2]),
            ("units", units),
            *fields,
            *states(graph, op),
        ),
        constants=(weights(graph, op), bias, Constant("sigmoid", "int16_t", table(), table=True)),
        args=(In(), Const("weights"), Const("bias"), Const("sigmoid"), In(HIDDEN), In(CELL), Out()),
    )


OPERATOR = Operator(
    kind="UNIDIRECTIONAL_SEQUENCE_LSTM",
    resolver="AddUnidirectionalSequenceLSTM",
    fused=("TANH",),
    read=read,
    shapes=shapes,
    macs=macs,
    inputs=(1, COUNT),
    kernels=(
        Kernel("lstm_s8", "lstm.h", emit),
        Kernel("lstm_s16", "lstm_s16.h", emit, dtypes=("int16",)),
    ),
    updates=(HIDDEN, CELL),
    limits="no peephole, projection or layer normalization; all gates with biases",
)
