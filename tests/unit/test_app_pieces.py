"""Window, smoothing and score of the application, under the sanitizers, against models of them that share no code."""

from __future__ import annotations

import struct
import subprocess
from collections import deque
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygen.application import least_score
from tinygen.errors import BadInput
from tinygen.project import TensorRecord
from tinygen.resources import data_dir

SOURCE = Path(__file__).resolve().parent / "app" / "pieces.c"
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
WARN = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
TYPES = {"int8": 0, "uint8": 1, "int16": 2}


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    app = data_dir("firmware") / "app"
    program = tmp_path_factory.mktemp("pieces") / "pieces"
    sources = [str(SOURCE), *(str(app / f"tg_{name}.c") for name in ("ring", "smooth", "score"))]
    includes = ["-I", str(app), "-I", str(app.parent / "runtime")]
    subprocess.run(["cc", *WARN, "-g", *SANITIZE, *includes, *sources, "-o", str(program)], check=True, timeout=120)
    return program


def ask(pieces: Path, what: str, words: Sequence[int], data: bytes = b"") -> bytes:
    request = struct.pack(f"<{len(words)}I", *words) + data
    done = subprocess.run([str(pieces), what], input=request, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return done.stdout


def expected_windows(stream: npt.NDArray[Any], window: int, stride: int) -> list[npt.NDArray[Any]]:
    return [stream[s : s + window] for s in range(0, len(stream) - window + 1, stride)]


@pytest.mark.needs_cc
@settings(max_examples=120)
@given(
    window=st.integers(1, 40),
    stride=st.one_of(st.integers(1, 40), st.just(0)),  # 0 stands for the window itself
    channels=st.integers(1, 9),
    is_float=st.booleans(),
    block=st.integers(1, 70),
    count=st.integers(0, 300),
    seed=st.integers(0, 2**32 - 1),
)
def test_windows_are_slices_of_the_stream(
    pieces: Path, window: int, stride: int, channels: int, is_float: bool, block: int, count: int, seed: int
) -> None:
    stride = stride or window
    rng = np.random.default_rng(seed)
    stream: npt.NDArray[Any] = rng.integers(-128, 128, (count, channels), dtype=np.int8)
    if is_float:
        stream = rng.standard_normal((count, channels)).astype(np.float32)
    size = stream.itemsize * channels
    got = ask(pieces, "windows", (window, stride, size, block, count), stream.tobytes())
    want = expected_windows(stream, window, stride)
    found = np.frombuffer(got, stream.dtype).reshape(-1, 3, window, channels)
    assert len(found) == len(want)
    for way in range(3):  # copied, turned round in place, copied after that
        assert all(np.array_equal(a, b) for a, b in zip(found[:, way], want, strict=True))


def expected_events(labels: Sequence[int], n: int, m: int, refractory: int) -> list[bool]:
    """By the words of tg_smooth.h: this label, n of the last m, no event within the refractory time."""
    last: deque[int] = deque(maxlen=m)
    fired: list[bool] = []
    for label in labels:
        last.append(label)
        quiet = not any(fired[max(0, len(fired) - refractory) :])
        fired.append(label >= 0 and last.count(label) >= n and quiet)
    return fired


@pytest.mark.needs_cc
@settings(max_examples=150)
@given(
    labels=st.lists(st.integers(-1, 3), max_size=200),
    m=st.integers(1, 32),
    share=st.floats(0, 1),
    refractory=st.one_of(st.integers(0, 12), st.sampled_from([100, 2**31 - 1])),
)
def test_events_are_those_of_a_deque(pieces: Path, labels: list[int], m: int, share: float, refractory: int) -> None:
    n = 1 + round(share * (m - 1))
    words = (n, m, refractory, len(labels))
    got = ask(pieces, "smooth", words, np.asarray(labels, "<i4").tobytes())
    assert got[0] == 1
    assert [bool(b) for b in got[1:]] == expected_events(labels, n, m, refractory)


@pytest.mark.needs_cc
def test_what_cannot_be_is_refused(pieces: Path) -> None:
    assert subprocess.run([str(pieces)], timeout=60).returncode == 0


@pytest.mark.needs_cc
@settings(max_examples=60)
@given(st.sampled_from(sorted(TYPES)), st.integers(1, 20), st.integers(0, 2**32 - 1), st.booleans())
def test_score_is_the_first_of_the_largest(pieces: Path, dtype: str, size: int, seed: int, few: bool) -> None:
    limits = np.iinfo(dtype)
    low, high = (limits.max - 1, limits.max) if few else (limits.min, limits.max)  # ties at the very end of the range
    y = np.random.default_rng(seed).integers(low, high, (50, size), dtype=dtype, endpoint=True)
    got = np.frombuffer(
        ask(pieces, "q", (TYPES[dtype], y[0].nbytes, len(y)), y.tobytes()),
        [("index", "<i4"), ("q", "<i4"), ("real", "<f4")],
    )
    assert np.array_equal(got["index"], y.argmax(axis=1)) and np.array_equal(got["q"], y.max(axis=1))
    assert np.array_equal(got["real"], (y.max(axis=1).astype(np.float32) - 3) * np.float32(0.5))


@pytest.mark.needs_cc
def test_types_that_are_no_scores_have_none(pieces: Path) -> None:
    for kind in (3, 4, 5, 6):
        assert np.frombuffer(ask(pieces, "q", (kind, 8, 1), bytes(8)), "<i4")[0] == -1


def output(dtype: str, scale: float, zero_point: int) -> TensorRecord:
    scale = float(np.float32(scale))
    size = np.dtype(dtype).itemsize * 4
    return TensorRecord(name="y", dtype=dtype, shape=(1, 4), bytes=size, scale=scale, zero_point=zero_point)


@given(
    st.sampled_from(["int8", "uint8", "int16"]),
    st.sampled_from([1 / 256, 1 / 255, 0.1, 0.00390625, 2**-15, 1.5, 3e-5]),
    st.integers(-128, 127),
    st.decimals(-2, 2, places=4),
)
def test_least_score_is_where_the_real_score_reaches_the_threshold(
    dtype: str, scale: float, zero: int, threshold: Any
) -> None:
    """In exact rational numbers, it does and the one below does not; a threshold that none reaches is refused."""
    limits = np.iinfo(dtype)
    record = output(dtype, scale, zero + 128 if dtype == "uint8" else 0 if dtype == "int16" else zero)
    assert record.scale is not None and record.zero_point is not None
    exact, want = Fraction(record.scale), Fraction(str(threshold))
    zero_point = record.zero_point

    def reaches(q: int) -> bool:
        return exact * (q - zero_point) >= want

    if not reaches(int(limits.max)):
        with pytest.raises(BadInput, match="highest value"):
            least_score(record, float(threshold))
    else:
        least = least_score(record, float(threshold))
        assert limits.min <= least <= limits.max and reaches(least)
        assert least == limits.min or not reaches(least - 1)


def test_a_score_that_equals_the_threshold_reaches_it() -> None:
    softmax = output("int8", 1 / 256, -128)
    assert least_score(softmax, 0.5) == 0
    assert least_score(softmax, 0.8) == 77  # 204.8 / 256
    assert least_score(softmax, 255 / 256) == 127
    assert least_score(softmax, None) == least_score(softmax, 0.0) == least_score(softmax, -3.0) == -128
    with pytest.raises(BadInput, match=r"threshold is 1\.0, the output's highest value 0\.996094"):
        least_score(softmax, 1.0)
    assert least_score(output("int8", 0.1, 0), 0.3) == 3  # 0.1 as float32 is above 0.1: 3 of it reach 0.3
