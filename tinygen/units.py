"""Sizes and times as people write them: "128K", "1.5 MiB", "50ms"."""

from __future__ import annotations

import re

_BYTES = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_MICROSECONDS = {"us": 1.0, "µs": 1.0, "μs": 1.0, "ms": 1e3, "s": 1e6}
_NUMBER = r"\s*([0-9]+(?:\.[0-9]+)?)\s*"


def parse_size(value: str | int) -> int:
    """Bytes of "128K", "64 KB", "1.5 MiB" or a plain number; K, KB and KiB are 1,024 bytes. ValueError otherwise."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ValueError(f"{value!r} is not a size; write 131072 or '128K'")
    match = re.fullmatch(_NUMBER + r"([kmg]?)(?:i?b)?\s*", str(value).lower())
    if match is None:
        raise ValueError(f"{value!r} is not a size; write 131072, '128K' or '1.5 MiB'")
    size = float(match[1]) * _BYTES[match[2]]
    if not 1 <= size < 2**53 or size != int(size):
        raise ValueError(f"{value!r} is not a whole number of bytes above 0")
    return int(size)


def parse_latency(value: str) -> float:
    """Microseconds of "50ms", "800 us" or "1.5s". ValueError otherwise: a time without a unit could be anything."""
    match = re.fullmatch(_NUMBER + "(us|µs|μs|ms|s)" + r"\s*", value) if isinstance(value, str) else None
    if match is None or not 0 < float(match[1]) < 1e15:
        raise ValueError(f"{value!r} is not a time; write '50ms', '800us' or '1.5s'")
    return float(match[1]) * _MICROSECONDS[match[2]]


def format_size(size: int) -> str:
    """Bytes as people read them: B below 1 KiB, KiB with a decimal below 1 MiB, else MiB."""
    if size < 1 << 10:
        return f"{size} B"
    if size < 1 << 20:
        return f"{size / (1 << 10):.1f} KiB"
    return f"{size / (1 << 20):.2f} MiB"


def short_size(size: int) -> str:
    """Bytes for narrow tables: "640", "11.4K", "1.25M" (K is 1,024)."""
    if size < 1 << 10:
        return str(size)
    if size < 1 << 20:
        return f"{size / (1 << 10):.1f}K"
    return f"{size / (1 << 20):.2f}M"


def short_count(count: int) -> str:
    """A count for narrow tables: "646", "293.6k", "20.79M" (k is 1,000)."""
    if count < 10_000:
        return str(count)
    if count < 1_000_000:
        return f"{count / 1e3:.1f}k"
    return f"{count / 1e6:.2f}M"
