"""The numbers of an LSTM: packed weights, biases that hold the zero points, multipliers of gates and states.

TFLM computes in fixed scales, whatever the file's intermediate tensors say: gates have 2^-12 before their activation
and 2^-15 after it, and the cell state's scale counts as the nearest power of two where its hyperbolic tangent is taken.
"""

from __future__ import annotations

import math

import numpy as np

from ..graph.ir import Array, Graph, Op, constant
from ._fixed_point import RANGES, checked_multiplier, round_half_away, wrap32
from ._sums import check_reach, reduced_multipliers, weight_sums
from .base import Constant, bad_layer, per_tensor

#: Inputs of the operator; what belongs to gates stands in the order input, forget, cell, output.
INPUT_WEIGHTS, STATE_WEIGHTS, BIASES = (1, 2, 3, 4), (5, 6, 7, 8), (12, 13, 14, 15)
HIDDEN, CELL = 18, 19

GATE_SCALE, ACTIVATION_SCALE = 2.0**-12, 2.0**-15
#: Powers of two that the cell state's scale may lie at: beyond, TFLM shifts by more than there are bits.
POWERS = (-43, 2)

Fields = tuple[tuple[str, int | tuple[int, ...]], ...]


def weights(graph: Graph, op: Op) -> Constant:
    """[units, 4 · (depth + units)]: of each unit the rows of the gates over the input, then over the hidden state."""
    parts = [np.stack([constant(graph.input(op, i)) for i in rows], 1) for rows in (INPUT_WEIGHTS, STATE_WEIGHTS)]
    units = parts[0].shape[0]
    return Constant("weights", "int8_t", np.concatenate([part.reshape(units, -1) for part in parts], 1))


def sums(graph: Graph, op: Op) -> tuple[Fields, Constant]:
    """Multipliers and shifts of the gates' sums, and the biases: [units, 4], or [units, 8] with the hidden state's.

    The zero points are folded into them, modulo 2^32 for int8 whose sums wrap. The biases of int16 are int64 where
    they, or the products of a sum, pass 32 bits.
    """
    given = [constant(graph.input(op, i)) for i in BIASES]
    over_x = _folded(graph, op, 0, INPUT_WEIGHTS, given)
    over_hidden = _folded(graph, op, HIDDEN, STATE_WEIGHTS, [np.zeros_like(b) for b in given])
    scaled_x = _multipliers(graph, op, 0, INPUT_WEIGHTS, over_x)
    scaled_hidden = _multipliers(graph, op, HIDDEN, STATE_WEIGHTS, over_hidden)
    both = bool((over_hidden != 0).any())
    bias = np.concatenate([over_x, over_hidden], 1) if both else over_x
    if graph.input(op, 0).dtype == "int16" and not _fits_32_bits(graph, op, bias):
        packed = Constant("bias", "int64_t", bias.astype(np.int64))
    else:
        packed = Constant("bias", "int32_t", wrap32(bias.astype(np.int64)).astype(np.int32))
    fields: Fields = (
        ("multiplier", (*scaled_x[0], *scaled_hidden[0])),
        ("shift", (*scaled_x[1], *scaled_hidden[1])),
        ("state_bias", int(both)),
    )
    return fields, packed


def _fits_32_bits(graph: Graph, op: Op, bias: Array) -> bool:
    """Whether no sum of products with int16 passes 32 bits, nor any bias."""
    most = max(int(weight_sums(constant(graph.input(op, i)), 0).max()) for i in (*INPUT_WEIGHTS, *STATE_WEIGHTS))
    return most << 15 < 1 << 31 and all(-(1 << 31) <= int(b) < 1 << 31 for b in bias.reshape(-1))


def _folded(graph: Graph, op: Op, data: int, rows: tuple[int, ...], biases: list[Array]) -> Array:
    """[units, 4] of Python's integers: Σ w·(x − z) + b = Σ w·x + (b − z·Σ w); `data` is the input that meets `rows`."""
    _, zero_point = per_tensor(op, graph.input(op, data))
    sums_of = [constant(graph.input(op, i)).astype(np.int64).sum(axis=1).astype(object) for i in rows]
    return np.stack([b.astype(object) - zero_point * s for b, s in zip(biases, sums_of)], 1)


def _multipliers(
    graph: Graph, op: Op, data: int, rows: tuple[int, ...], biases: Array
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(multipliers, shifts) of the gates; for int16 those of 64-bit sums. The product of the scales is in double."""
    x, pairs = graph.input(op, data), []
    for gate, row in enumerate(rows):
        w = graph.input(op, row)
        w_scale, w_zero_point = per_tensor(op, w)
        if w_zero_point:
            raise bad_layer(op, "its weights have a zero point; only symmetric weights are defined")
        multiplier, shift = checked_multiplier(op, per_tensor(op, x)[0] * w_scale / GATE_SCALE)
        if x.dtype == "int16":
            reduced, right = reduced_multipliers(op, np.array([multiplier]), np.array([shift]))
            magnitudes = weight_sums(constant(w), 0)
            check_reach(op, [abs(int(b)) + (int(m) << 15) for b, m in zip(biases[:, gate], magnitudes)], reduced, right)
            multiplier, shift = int(reduced[0]), int(right[0])
        pairs.append((multiplier, shift))
    return tuple(m for m, _ in pairs), tuple(s for _, s in pairs)


def states(graph: Graph, op: Op) -> Fields:
    """How the cell state and the hidden state follow from the gates."""
    hidden, cell = graph.input(op, HIDDEN), graph.input(op, CELL)
    (scale, _), (hidden_scale, zero_point) = per_tensor(op, cell), per_tensor(op, hidden)
    cell_multiplier, cell_shift = checked_multiplier(op, ACTIVATION_SCALE**2 / scale)
    hidden_multiplier, hidden_shift = checked_multiplier(op, ACTIVATION_SCALE**2 / hidden_scale)
    low, high = RANGES["int16"]
    if op.attrs.cell_clip > 0.0:
        high = int(min(op.attrs.cell_clip / scale, float(high)))
        low = -high
    tanh_multiplier, tanh_shift = _tanh_scaling(op, scale)
    return (
        ("cell_multiplier", cell_multiplier),
        ("cell_shift", cell_shift),
        ("cell_min", low),
        ("cell_max", high),
        ("tanh_multiplier", tanh_multiplier),
        ("tanh_shift", tanh_shift),
        ("hidden_multiplier", hidden_multiplier),
        ("hidden_shift", hidden_shift),
        ("hidden_zero_point", zero_point),
        ("hidden_min", RANGES[hidden.dtype][0]),
        ("hidden_max", RANGES[hidden.dtype][1]),
    )


def _tanh_scaling(op: Op, scale: float) -> tuple[int, int]:
    """(multiplier, right shift) that bring the cell state to 1/3 of 2^-12; the logarithm is in float32, as TFLM's."""
    per_bit = np.float32(1) / np.float32(math.log(2.0))
    power = round_half_away(float(np.float32(math.log(scale)) * per_bit))
    if not POWERS[0] <= power <= POWERS[1]:
        raise bad_layer(op, f"its cell state has scale {scale}, beyond 2^{POWERS[0]} to 2^{POWERS[1]}")
    left = power - round(math.log2(GATE_SCALE))
    return (3 << left, 0) if left >= 0 else (3, -left)
