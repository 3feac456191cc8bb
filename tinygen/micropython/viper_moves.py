"""Layers that move, look up, pool and compare, as calls of viper kernels."""

from __future__ import annotations

import math

import numpy as np

from ..errors import BadInput
from .viper_loops import two_loops
from .viper_places import Viewed, turn_of
from .viper_words import SIGN, Call, call, stride

#: The sum of a softmax's row, whose terms are at most 2^19, stays below 2^31.
MAX_DEPTH = 4095
#: 48/17 and 32/17 in Q2.29, where the reciprocal's steps start.
_START, _SLOPE = 1515870810, 1010580540


def lut(layer: Viewed) -> list[Call]:
    """A table of 256, in the order of the arena's bytes."""
    x, y = (layer.graph.tensors[i] for i in (layer.op.inputs[0], layer.op.outputs[0]))
    table = layer.constants["table"] ^ turn_of(y)
    order = np.arange(256) ^ turn_of(x)
    return [call("lut", layer.ends() | {"count": layer.args[-1]}, table[order].astype(np.uint8).tobytes())]


def pool(layer: Viewed) -> list[Call]:
    """Pools over windows."""
    p = dict(layer.params)
    low, high = p.pop("activation_min") + SIGN, p.pop("activation_max") + SIGN
    assert layer.layer.code is not None
    kernel = layer.layer.code.function.removeprefix("tg_").removesuffix("_s8")
    return [call(kernel, layer.ends() | p | {"low": low, "high": high})]


def softmax(layer: Viewed) -> list[Call]:
    """Rows of the last dimension."""
    p, exp = layer.params, layer.constants["exp"]
    if p["depth"] > MAX_DEPTH:
        raise BadInput(
            f"{layer.op.name}: SOFTMAX over rows of {p['depth']} values, more than {MAX_DEPTH}, is not supported in "
            "viper.",
            "A native module or --runtime aot runs it.",
        )
    own = {"start": _START, "slope": _SLOPE, "most": 2**31 - 1}
    return [call("softmax", layer.ends() | p | own, exp=exp.astype("<u4").tobytes())]


def copy(layer: Viewed) -> list[Call]:
    """The same bytes in another place."""
    count = layer.args[-1]
    return [_rows(layer, layer.ins[0], layer.out(), 1, count, (0, 0))]


def concatenation(layer: Viewed) -> list[Call]:
    """A move for each input."""
    p, done = layer.params, 0
    calls = []
    for index, count in zip(layer.ins, p["bytes"]):
        calls.append(_rows(layer, index, layer.out() + done, p["rows"], count, (count, sum(p["bytes"]))))
        done += count
    return calls


def split(layer: Viewed) -> list[Call]:
    """A move for each output."""
    p, done = layer.params, 0
    calls = []
    for index, count in zip(layer.outs, p["bytes"]):
        strides = (sum(p["bytes"]), count)
        calls.append(_rows(layer, layer.ins[0], layer.out(index), p["rows"], count, strides, done))
        done += count
    return calls


def move(layer: Viewed) -> list[Call]:
    """Chunks between strided layouts."""
    return [_moved(layer, "")]


def pad(layer: Viewed) -> list[Call]:
    """The output filled, then the input moved into it."""
    p, y = layer.params, layer.graph.output(layer.op)
    value = p["value"] & (1 << 8 * p["element_bytes"]) - 1
    raw = value.to_bytes(p["element_bytes"], "little")
    if len(set(raw)) > 1:
        raise BadInput(
            f"{layer.op.name}: {layer.op.kind} of {y.dtype} with {value} is not supported in viper.",
            "A native module or --runtime aot runs it.",
        )
    fields = {"y": layer.out(), "count": y.nbytes, "value": raw[0] ^ turn_of(y)}
    return [call("fill", fields), _moved(layer, "inside.")]


def _moved(layer: Viewed, prefix: str) -> Call:
    p = {name.removeprefix(prefix): value for name, value in layer.params.items() if name.startswith(prefix)}
    starts, loops = two_loops(layer.op, p["size"], p["x_stride"], p["y_stride"], (p["x_start"], p["y_start"]))
    return _move(layer, layer.ins[0], layer.out(), p["chunk"], starts, loops)


def _rows(layer: Viewed, index: int, to: int, rows: int, count: int, strides: tuple[int, int], start: int = 0) -> Call:
    """`rows` chunks of `count` bytes from input `index` to the arena."""
    return _move(layer, index, to, count, [(start, 0)], (1, 0, 0, rows, *strides))


def _move(
    layer: Viewed, index: int, to: int, chunk: int, starts: list[tuple[int, int]], loops: tuple[int, ...]
) -> Call:
    other = layer.turned(index)
    outer, outer_x, outer_y, inner, inner_x, inner_y = loops
    fields = {
        "x": layer.place(index) if other is None else 0, "y": to, "chunk": chunk, "count": len(starts),
        "outer": outer, "outer_x": stride(outer_x), "outer_y": stride(outer_y),
        "inner": inner, "inner_x": stride(inner_x), "inner_y": stride(inner_y),
    }  # fmt: skip
    if math.prod((chunk, inner, outer, len(starts))) == 0:
        fields |= {"count": 0}
    return call("move", fields, other, starts=np.array(starts, "<u4").tobytes())
