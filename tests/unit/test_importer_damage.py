"""Damaged and hostile files: whatever the bytes, the importer answers with a graph or with BadInput, and soon."""

from __future__ import annotations

import random
import resource
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygen.errors import BadInput
from tinygen.frontend.importer import import_tflite, read_model_file
from tinygen.ops.lowering import lower

VALUES = (0x00, 0x01, 0x7F, 0x80, 0xFF)


def accepted(data: bytes) -> bool:
    """Whether a file is taken; anything but BadInput is a defect and comes through."""
    try:
        lower(import_tflite(data), frozenset())
    except BadInput as refusal:
        assert "\n" not in refusal.line
        return False
    return True


@pytest.fixture(scope="module")
def hello(models_dir: Path) -> bytes:
    return (models_dir / "hello_world_int8.tflite").read_bytes()


@pytest.mark.needs_models
def test_whole_file_is_taken(hello: bytes) -> None:
    assert accepted(hello)


@pytest.mark.needs_models
def test_every_truncation(hello: bytes) -> None:
    taken = [n for n in range(0, len(hello), 3) if accepted(hello[:n])]
    assert not taken


@pytest.mark.needs_models
@pytest.mark.parametrize("value", VALUES)
def test_every_byte_overwritten(hello: bytes, value: int) -> None:
    outcomes = [accepted(hello[:i] + bytes([value]) + hello[i + 1 :]) for i in range(len(hello))]
    assert any(outcomes) and not all(outcomes)


@pytest.mark.needs_models
def test_words_overwritten(hello: bytes) -> None:
    """Offsets, lengths and dimensions at their extremes."""
    for word in (0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0x00010000, len(hello), len(hello) - 4):
        for at in range(0, len(hello) - 3, 4):
            accepted(hello[:at] + struct.pack("<I", word) + hello[at + 4 :])


@pytest.mark.needs_models
def test_damage_takes_no_memory(hello: bytes) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    generator = random.Random(1)
    for _ in range(300):
        data = bytearray(hello)
        for _ in range(generator.randrange(1, 12)):
            data[generator.randrange(len(data))] = generator.choice((0, 1, 0x7F, 0xFF, generator.randrange(256)))
        accepted(bytes(data))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024  # KiB


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    assert not accepted(data)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.binary(max_size=300))
def test_any_bytes_behind_the_identifier(data: bytes) -> None:
    assert not accepted(struct.pack("<I", 8) + b"TFL3" + data)


def test_an_empty_and_an_absent_file(tmp_path: Path) -> None:
    (tmp_path / "empty.tflite").touch()
    for path in (tmp_path / "empty.tflite", tmp_path / "absent.tflite", tmp_path):
        with pytest.raises(BadInput, match=path.name):
            read_model_file(path)
