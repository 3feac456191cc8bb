"""Where the last bits of a multiplier decide in int16: each value of the range with random partners, random scales."""

from __future__ import annotations

from pathlib import Path

import draw as d
import numpy as np
import pytest
from cases import Case, compare, one_op
from test_int16_binary import OPTIONS
from test_int16_unary import ALL

SHAPE = ALL[0].shape


def _scales(generator: np.random.Generator, count: int) -> list[float]:
    return [float(np.float32(s)) for s in generator.uniform(0.5, 1.0, count)]


@pytest.mark.parametrize("kind", sorted(OPTIONS))
def test_binary(tmp_path: Path, kind: str) -> None:
    generator = np.random.default_rng(5)
    cases: list[Case] = []
    for _ in range(12):
        first, second, unit = _scales(generator, 3)
        near = {"MUL": first * second * 2**14, "SQUARED_DIFFERENCE": 2**15}.get(kind, 1.3)
        operands = [d.q16(SHAPE, first), d.q16(SHAPE, second)]
        given = tuple((part, generator.integers(-32768, 32768, part.shape).astype(np.int16)) for part in ALL)
        y = d.q16(SHAPE, float(np.float32(near * unit)))
        cases.append(one_op(kind, operands, y, OPTIONS[kind], given=given))
    assert compare(cases, tmp_path) == len(cases)


def test_softmax(tmp_path: Path) -> None:
    """Rows of two, whose difference takes every value; 10 is more than the range of the exponentials' table."""
    generator = np.random.default_rng(6)
    given = tuple((np.stack([np.full_like(part, 32767), part], axis=1),) for part in ALL)
    x, y = d.q16(given[0][0].shape, 1.0), d.q16(given[0][0].shape, 2.0**-15)
    cases = []
    for scale, beta in zip(_scales(generator, 20), _scales(generator, 20)):
        x = d.q16(x.shape, float(np.float32(scale * 2.0**-14)))
        cases.append(one_op("SOFTMAX", [x], y, "SoftmaxOptions", given=given, beta=beta))
    assert compare(cases, tmp_path) == len(cases)
