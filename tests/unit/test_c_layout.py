"""Layout of generated C: lines that fit, columns that align; and model names that would hide a header."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygen.backends.c_layout import c_int, call_lines, columns, number_lines
from tinygen.compiled import model_name
from tinygen.errors import BadInput


@given(st.lists(st.integers(-(2**31), 2**31 - 1), max_size=200))
def test_numbers_survive_their_lines(values: list[int]) -> None:
    lines = number_lines(np.array(values, np.int32))
    words = " ".join(lines).removesuffix(",").split(", ") if lines else []
    assert [int(w) if w != c_int(-(2**31)) else -(2**31) for w in words] == values
    assert all(len(line) <= 108 and line == line.strip() and line.endswith(",") for line in lines)


@given(st.lists(st.one_of(st.integers(-(2**63), 2**63 - 1), st.sampled_from((-(2**63), 2**31, -(2**31)))), max_size=50))
def test_numbers_of_64_bits_survive_their_lines(values: list[int]) -> None:
    """Those that fit 32 bits stand as they are; no constant is of a type wider than its value needs."""
    lines = number_lines(np.array(values, np.int64))
    words = " ".join(lines).removesuffix(",").split(", ") if lines else []
    least = {c_int(least): least for least in (-(2**63), -(2**31))}
    wide = re.compile(r"INT64_C\((-?\d+)\)")
    for word, value in zip(words, values, strict=True):
        match = wide.fullmatch(word)
        assert (least[word] if word in least else int(match[1]) if match else int(word)) == value
        assert word in least or bool(match) == (not -(2**31) <= value < 2**31)
    assert c_int(-(2**63)) == "(INT64_C(-9223372036854775807) - 1)"


@given(st.lists(st.text("abcdefgh_", min_size=1, max_size=40), min_size=1, max_size=20))
def test_calls_survive_their_lines(args: list[str]) -> None:
    lines = call_lines("tg_function", args)
    assert " ".join(line.strip() for line in lines) == f"tg_function({', '.join(args)});"
    assert all(len(line) <= 116 for line in lines)
    assert all(line.startswith(" " * len("tg_function(")) for line in lines[1:])


def test_columns_align() -> None:
    assert columns([["#", "op"], ["10", "ADD"]], frozenset({0})) == (" #  op", "10  ADD")


@pytest.mark.parametrize(
    ("text", "name"),
    [("kws", "kws"), ("conv2d", "model_conv2d"), ("String", "model_String"), ("tg_x", "model_tg_x"), ("tg", "model_tg"),
     ("stdint", "model_stdint"), ("while", "while_"), ("3d-net.v2", "model_3d_net_v2"), ("слой", "model")],
)  # fmt: skip
def test_model_names_hide_no_header(text: str, name: str) -> None:
    assert model_name(text) == name
    if text != name:
        with pytest.raises(BadInput, match=f"--name {name}"):
            model_name(text, given=True)
