"""The float functions of native modules give the bits of this machine's FPU, for numbers of every class."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygen.resources import data_dir

Words = npt.NDArray[np.uint32]
Function = Callable[[int, Words, Words], Words]
ADD, MUL, DIV, COMPARE, FROM, TO_I32, TO_U32 = range(7)

pytestmark = [pytest.mark.needs_cc]

#: Fractions and exponents where roundings, overflow and subnormals begin, and any others.
FRACTIONS = st.one_of(
    st.sampled_from([0, 1, 2, 0x3FFFFF, 0x400000, 0x400001, 0x7FFFFE, 0x7FFFFF]), st.integers(0, 0x7FFFFF)
)
EXPONENTS = st.one_of(
    st.sampled_from([0, 1, 2, 23, 24, 25, 126, 127, 128, 149, 150, 157, 158, 159, 253, 254, 255]), st.integers(0, 255)
)
FLOATS = st.builds(lambda s, e, f: s << 31 | e << 23 | f, st.integers(0, 1), EXPONENTS, FRACTIONS)
PAIRS = st.lists(st.tuples(FLOATS, FLOATS), min_size=1, max_size=64)


@pytest.fixture(scope="module", params=["-DTG_F32_FAST=0", "-DTG_F32_FAST=1", "-DTG_F32_FAST=2"])
def ours(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Function:
    library = tmp_path_factory.mktemp("float") / "mpy_float.so"
    source = Path(__file__).with_name("mpy_float.c")
    flags = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-O1", "-shared", "-fPIC")
    checked = ("-fsanitize=undefined", "-fno-sanitize-recover=all")
    room = data_dir("firmware") / "micropython"
    subprocess.run(["cc", *flags, *checked, request.param, "-I", room, source, "-o", library], check=True, timeout=60)
    function = ctypes.CDLL(str(library)).mpy_float

    def call(operation: int, a: Words, b: Words) -> Words:
        y = np.empty_like(a)
        pointers = [ctypes.c_void_p(words.ctypes.data) for words in (a, b, y)]
        function(operation, *pointers, ctypes.c_size_t(a.size))
        return y

    return call


def same(got: Words, wanted: npt.NDArray[Any]) -> None:
    nan = np.isnan(wanted)
    assert (np.isnan(got.view(np.float32)) == nan).all()
    np.testing.assert_array_equal(got[~nan], wanted.astype(np.float32).view(np.uint32)[~nan])


def hold(ours: Function, a: Words, b: Words) -> None:
    """All functions of all pairs against numpy's, which are the FPU's."""
    x, y = a.view(np.float32), b.view(np.float32)
    with np.errstate(all="ignore"):
        same(ours(ADD, a, b), x + y)
        same(ours(MUL, a, b), x * y)
        same(ours(DIV, a, b), x / y)
        whole = np.trunc(np.nan_to_num(x.astype(np.float64), nan=0.0, posinf=1e30, neginf=-1e30))
        order = np.where(np.isnan(x) | np.isnan(y), 7, (x > y).astype(int) - (x < y).astype(int))
    np.testing.assert_array_equal(ours(COMPARE, a, b).view(np.int32), order)
    same(ours(FROM, a, np.zeros_like(a)), a.astype(np.float32))
    same(ours(FROM, a, np.full_like(a, 1 << 31)), np.where(a, -a.astype(np.float32), np.float32(0)))
    signed = np.clip(whole, -(2.0**31), 2.0**31 - 1).astype(np.int64)
    np.testing.assert_array_equal(ours(TO_I32, a, b).view(np.int32), signed)
    np.testing.assert_array_equal(ours(TO_U32, a, b), np.clip(whole, 0, 2.0**32 - 1).astype(np.int64))


@settings(max_examples=200, deadline=None)
@given(pairs=PAIRS)
def test_every_class_of_numbers(pairs: list[tuple[int, int]], ours: Function) -> None:
    a, b = np.array(pairs, np.uint32).T.copy()
    hold(ours, a, b)


def test_many_numbers(ours: Function) -> None:
    """Any bits; then exponents that lie near each other, where sums cancel and products leave the range."""
    draw = np.random.default_rng(1)
    a, b = draw.integers(0, 1 << 32, (2, 300_000), np.uint32)
    hold(ours, a, b)
    near = (a & np.uint32(0x807FFFFF)) | (((b >> 23) + draw.integers(0, 4, b.size, np.uint32) & 0xFF) << 23).astype(
        np.uint32
    )
    hold(ours, near, b)
    hold(ours, near & np.uint32(0x80FFFFFF), b & np.uint32(0xBFFFFFFF))
