"""tinygen.toml, board profiles and manifests with any content: read, or refused in one line."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tinygen.boards import load_board
from tinygen.config import load_config
from tinygen.errors import BadInput
from tinygen.project import read_manifest
from tinygen.resources import data_dir

CONFIG = """schema = 1
[model]
path = "m.tflite"
name = "gesture"
labels = ["idle", "wave"]
[data]
file = "data.npz"
[input]
mean = [0.0]
std = [9.81]
[[compress]]
technique = "prune"
sparsity = 0.6
[target]
boards = ["nucleo_f446re"]
[budget]
flash = "128K"
latency = "50ms"
"""
ODD = [
    b"", b"\xff\xfe", b"\0", b"schema = 1\nschema = 1\n", b"[" * 5000, b"a = " + b"[" * 5000, b"x" * 100_000,
    b"schema = 99999999999999999999999999999999999999\n", b"schema = " + b"9" * 10_000 + b"\n", b"schema = inf\n",
    b"schema = nan\n", b"schema = 1979-05-27T07:32:00Z\n", b"schema = true\n", b"schema = '1'\n", b"schema = [1]\n",
    b"schema = {}\n", b"schema = 1\nmodel = 3\n", b"schema = 1\n[[model]]\n", b"schema = 1\n[model]\npath = 7\n",
    b"schema = 1\n[model]\npath = '''\n../../x\n'''\n", b"\xef\xbb\xbfschema = 1\n", b"schema = 1\r[model]\r",
    b"a.b.c.d = 1\n" * 3, b"schema = 1 # \xe2\x80\xae\n", b"schema = 0x7fffffffffffffff\n", b"schema = -1\n",
]  # fmt: skip
READERS: dict[str, Callable[[Path], object]] = {
    "config": lambda path: load_config(path),
    "board": lambda path: load_board(str(path)),
    "manifest": lambda path: read_manifest(path.parent),
}
NAMES = {"config": "tinygen.toml", "board": "board.toml", "manifest": "tinygen.json"}


def read(what: str, data: bytes, folder: Path) -> bool:
    """Whether a file is taken; anything but BadInput comes through."""
    path = folder / NAMES[what]
    path.write_bytes(data)
    try:
        READERS[what](path)
    except BadInput as refusal:
        assert "\n" not in refusal.line and len(refusal.line) < 3000, refusal.line
        return False
    return True


def good(what: str) -> bytes:
    if what == "config":
        return CONFIG.encode()
    if what == "board":
        return (data_dir("boards") / "nucleo_f446re.toml").read_bytes()
    return b'{"schema": "tinygen.project/1", "tinygen": "0", "runtime": "aot", "board": "pico", "files": {}}'


@pytest.mark.parametrize("what", READERS)
def test_odd_files(what: str, tmp_path: Path) -> None:
    assert [data for data in ODD if read(what, data, tmp_path)] == []


@pytest.mark.parametrize("what", READERS)
def test_mutated_files(what: str, tmp_path: Path) -> None:
    base = good(what)
    assert read(what, base, tmp_path) == (what != "manifest")
    generator = random.Random(4)
    for _ in range(1500):
        data = bytearray(base)
        for _ in range(generator.choice((1, 1, 2, 6))):
            at = generator.randrange(len(data))
            how = generator.randrange(4)
            if how == 0:
                data[at] = generator.randrange(256)
            elif how == 1:
                del data[at : at + generator.randrange(1, 30)]
            elif how == 2:
                data[at:at] = data[generator.randrange(len(data)) :][: generator.randrange(1, 40)]
            else:
                data[at:at] = generator.choice((b"-", b"9" * 25, b"[", b"]", b'"', b"inf", b"nan", b"\n", b"\0", b"="))
            data = data or bytearray(b"x")
        read(what, bytes(data), tmp_path)


@settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.binary(max_size=300), what=st.sampled_from(sorted(READERS)))
def test_any_bytes(data: bytes, what: str, tmp_path: Path) -> None:
    assert not read(what, data, tmp_path)
