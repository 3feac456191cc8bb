"""Sizes and times as people write them."""

from __future__ import annotations

from typing import Any

import pytest

from tinygen.units import parse_latency, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [("128K", 131072), ("64 KB", 65536), ("64kib", 65536), ("1.5 MiB", 1572864), ("12b", 12)],
)
def test_sizes(text: Any, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "K", "-1K", "1.3", "0", 0, -5, True, None, 2.5, "1 KBs", "1e3", "0x10", "1,5K"])
def test_not_sizes(text: Any) -> None:
    with pytest.raises(ValueError):
        parse_size(text)


@pytest.mark.parametrize(("text", "us"), [("50ms", 50e3), ("800 us", 800.0), ("800µs", 800.0), ("1.5s", 1.5e6)])
def test_times(text: str, us: float) -> None:
    assert parse_latency(text) == us


@pytest.mark.parametrize("text", ["", "50", "0ms", "-1ms", "ms", "5 min", 50, None])
def test_not_times(text: Any) -> None:
    with pytest.raises(ValueError):
        parse_latency(text)
