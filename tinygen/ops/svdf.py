"""SVDF: filters see each input once, remember what they saw in a variable, and weigh what they remember in time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..flatbuffer import Table
from ..graph.ir import Array, Graph, Op, constant
from ._fixed_point import checked_multiplier, wrap32
from ._variable import check_variable
from .base import Const, Constant, In, Kernel, LayerCode, Operator, Out, Shape, bad_layer, per_tensor

STATE = 4
#: How far the bias's scale may lie from the product of the memory's and the time weights': TFLM refuses more.
BIAS_TOLERANCE = 1e-5


@dataclass(frozen=True)
class Svdf:
    """SVDFOptions; the integer kernel of TFLM applies no fused activation, whatever the file says."""

    rank: int


def read(options: Table) -> Svdf:
    """SVDFOptions."""
    return Svdf(options.int32(0))


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """[batches, units] from an input [batches, depth] and weights [units · rank, depth] and [units · rank, memory]."""
    x, feature, time, bias, state = (graph.input(op, i) for i in range(5))
    if any(w.data is None or len(w.shape) != 2 for w in (feature, time)) or feature.dtype != "int8":
        raise bad_layer(op, f"needs constant weights of two dimensions, has {feature.shape} and {time.shape}")
    filters, memory = time.shape
    if len(x.shape) != 2 or feature.shape != (filters, x.shape[1]):
        raise bad_layer(op, f"input {x.shape} and weights {feature.shape}, {time.shape} do not fit each other")
    if op.attrs.rank < 1 or filters % op.attrs.rank:
        raise bad_layer(op, f"{filters} filters of rank {op.attrs.rank}")
    units = filters // op.attrs.rank
    if bias.data is None or bias.dtype != "int32" or bias.shape != (units,):
        raise bad_layer(op, f"needs a constant int32 bias of {units} values")
    check_variable(graph, op, STATE)
    if state.shape != (x.shape[0], memory * filters) or state.dtype != time.dtype:
        raise bad_layer(
            op, f"its memory is {state.dtype} {state.shape}, its time weights are {time.dtype} {time.shape}"
        )
    return ((x.shape[0], units),)


def macs(graph: Graph, op: Op) -> int:
    """Multiplications of features and of time."""
    feature, time = graph.input(op, 1), graph.input(op, 2)
    return sum(graph.input(op, 0).shape[:1]) * (feature.size + time.size)


def _multipliers(graph: Graph, op: Op) -> tuple[tuple[int, int], tuple[int, int]]:
    """(multiplier, shift) of the features and of the output; the products of scales are in double."""
    x, feature, time, bias, state = (per_tensor(op, graph.input(op, i))[0] for i in range(5))
    product = state * time
    if not abs(bias - product) < BIAS_TOLERANCE:
        raise bad_layer(op, f"its bias has scale {bias}, needed memory scale times time weight scale, {product}")
    out_scale, _ = per_tensor(op, graph.output(op))
    return checked_multiplier(op, x * feature / state), checked_multiplier(op, product / out_scale)


def _bias(bias: Array, weights: Array, zero_point: int) -> Array:
    """A bias with the zero point of what its weights meet: Σ w·(x − z) = Σ w·x − z·Σ w, modulo 2^32."""
    folded = bias.astype(np.int64) - zero_point * weights.astype(np.int64).sum(axis=1)
    return wrap32(folded).astype(np.int32)


def emit(graph: Graph, op: Op) -> LayerCode:
    """One call for memories of int8 and of int16; the memory is changed in place."""
    x, feature, time, bias, state = (graph.input(op, i) for i in range(5))
    y = graph.output(op)
    for weights in (feature, time):
        if per_tensor(op, weights)[1]:
            raise bad_layer(op, "its weights have a zero point; only symmetric weights are defined")
    (_, x_zero_point), (_, state_zero_point), (_, y_zero_point) = (per_tensor(op, t) for t in (x, state, y))
    (feature_multiplier, feature_shift), (multiplier, shift) = _multipliers(graph, op)
    filters, units = feature.shape[0], y.shape[1]
    short = "s16" if state.dtype == "int16" else "s8"
    return LayerCode(
        function=f"tg_svdf_{short}",
        struct="tg_svdf_params",
        params=(
            ("batches", x.shape[0]),
            ("depth", x.shape[1]),
            ("units", units),
            ("rank", filters // units),
            ("memory", time.shape[1]),
            ("feature_multiplier", feature_multiplier),
            ("feature_shift", feature_shift),
            ("state_zero_point", state_zero_point),
            ("output_multiplier", multiplier),
            ("output_shift", shift),
            ("output_zero_point", y_zero_point),
        ),
        constants=(
            Constant("feature", "int8_t", constant(feature)),
            Constant("feature_bias", "int32_t", _bias(np.zeros(filters, np.int32), constant(feature), x_zero_point)),
            Constant("time", "int16_t" if short == "s16" else "int8_t", constant(time)),
            Constant("bias", "int32_t", _bias(constant(bias), constant(time).reshape(units, -1), state_zero_point)),
        ),
        args=(In(), *(Const(n) for n in ("feature", "feature_bias", "time", "bias")), In(STATE), Out()),
    )


OPERATOR = Operator(
    kind="SVDF",
    resolver="AddSvdf",
    read=read,
    shapes=shapes,
    macs=macs,
    inputs=(5, 5),
    kernels=(Kernel("svdf", "svdf.h", emit),),
    updates=(STATE,),
    limits="a memory of int8 or int16; no fused activation is applied",
)
