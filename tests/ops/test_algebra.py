"""L2_NORMALIZATION and BATCH_MATMUL against the reference."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import draw as d
import numpy as np
from build_tflite import T
from cases import Case, compare, generate, one_op
from hypothesis import strategies as st
from strategies import cases_of


@cases_of("L2_NORMALIZATION")
@st.composite
def _l2(draw: st.DrawFn) -> Case:
    x = draw(d.shapes(1, 5, 600).flatmap(lambda s: d.activations(s)))
    y = d.q8(x.shape, 1 / 128, 0) if draw(st.integers(0, 4)) else d.q8(x.shape, 0.5, 3)  # TFLM does not look
    fused = draw(st.sampled_from((0,) * 15 + (1,)))
    return one_op("L2_NORMALIZATION", [x], y, "L2NormOptions", draw(d.seeds), fusedActivationFunction=fused)


def test_l2_normalization(tmp_path: Path) -> None:
    assert compare(generate(_l2(), 200), tmp_path) > 120


def test_l2_normalization_of_every_length(tmp_path: Path) -> None:
    """Sums of squares from 0 to the largest, among them all where a scaling step begins."""
    squares = [0, 1, 2, 3, 4, 5, 15, 16, 17, 255, 256, 257, *(4**e + k for e in range(4, 15) for k in (-1, 0, 1))]
    samples = []
    for total in squares:
        row = []
        for _ in range(8000):
            root = min(127, math.isqrt(total))
            row.append(root)
            total -= root * root
        if total == 0:
            samples.append(row)
    values = np.array(samples, np.int8)[:, :5]
    cases = [one_op("L2_NORMALIZATION", [d.q8(values.shape, 0.1, 0)], d.q8(values.shape, 1 / 128, 0), "L2NormOptions",
                    given=((values,),))]  # fmt: skip
    wide = d.q8((2, 8000), 0.1, -128)
    cases.append(one_op("L2_NORMALIZATION", [wide], d.q8(wide.shape, 1 / 128, 0), "L2NormOptions"))
    assert len(samples) > 30 and compare(cases, tmp_path) == 2


@cases_of("BATCH_MATMUL")
@st.composite
def _batch_matmul(draw: st.DrawFn) -> Case:
    batches = draw(d.shapes(0, 3, 12))
    rows, depth, columns = (draw(st.integers(1, 7)) for _ in range(3))
    adj_x, adj_y = draw(st.booleans()), draw(st.booleans())
    operands: list[T] = []
    for matrix, turned in (((rows, depth), adj_x), ((depth, columns), adj_y)):
        drop = draw(st.integers(0, len(batches))) if draw(st.integers(0, 3)) == 3 else 0
        repeated = tuple(1 if draw(st.integers(0, 4)) == 3 else n for n in batches[drop:])
        operands.append(draw(d.activations((*repeated, *(matrix[::-1] if turned else matrix)), -9, 0)))
    out = np.broadcast_shapes(operands[0].shape[:-2], operands[1].shape[:-2])
    near = operands[0].scales[0] * operands[1].scales[0] * 60 * math.sqrt(depth)
    y = d.q8((*out, rows, columns), float(np.float32(near * 2.0 ** draw(st.floats(-4, 5, width=16)))),
             draw(d.zero_points))  # fmt: skip
    if draw(st.integers(0, 2)) == 2:
        which = draw(st.integers(0, 1))
        generator = np.random.default_rng(draw(d.seeds))
        t = operands[which]
        operands[which] = replace(t, data=generator.integers(-128, 128, t.shape).astype(np.int8))
    return one_op("BATCH_MATMUL", operands, y, "BatchMatMulOptions", draw(d.seeds), adjX=adj_x, adjY=adj_y)


def test_batch_matmul(tmp_path: Path) -> None:
    assert compare(generate(_batch_matmul(), 300), tmp_path) > 250
