"""Sizes and times as people write them: "128K", "1.5 MiB", "50ms"."""

from __future__ import annotations

import re
from dataclasses import dataclass

_BYTES = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_MICROSECONDS = {"us": 1.0, "µs": 1.0, "μs": 1.0, "ms": 1e3, "s": 1e6}
_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0}
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


def parse_duration(value: str) -> float:
    """Seconds of "90s", "10min" or "2h". ValueError otherwise."""
    match = re.fullmatch(_NUMBER + r"(s|min|h)\s*", value) if isinstance(value, str) else None
    if match is None or not 0 < float(match[1]) < 1e6:
        raise ValueError(f"{value!r} is not a duration; write '90s', '10min' or '2h'")
    return float(match[1]) * _SECONDS[match[2]]


@dataclass(frozen=True)
class Allowance:
    """How much worse a figure may become: so much of its own unit, or a percentage of what it was."""

    amount: float = 0.0
    is_percent: bool = False

    def of(self, before: float) -> float:
        """In the figure's own unit."""
        return abs(before) * self.amount / 100 if self.is_percent else self.amount


def parse_allowance(text: str, unit: str) -> Allowance:
    """Of "0", "1%" and, by `unit`, a size ("bytes": "1K"), a whole number ("count") or any number ("points").

    Percentages of points are refused: one of 0.9 could be of the value or of the scale. ValueError otherwise.
    """
    percent = re.fullmatch(_NUMBER + r"%\s*", text)
    if percent and unit != "points" and float(percent[1]) <= 1000:
        return Allowance(float(percent[1]), True)
    number = re.fullmatch(_NUMBER, text)
    if number and float(number[1]) < 2**53 and (unit == "points" or float(number[1]).is_integer()):
        return Allowance(float(number[1]))
    if unit == "bytes":
        return Allowance(parse_size(text))
    ways = {"count": "1000 or '1%'", "points": "0.005"}
    raise ValueError(f"{text[:80]!r} is no allowance; write 0, or for example {ways[unit]}")


def format_size(size: int) -> str:
    """Bytes as people read them: B below 1 KiB, KiB with a decimal below 1 MiB, else MiB."""
    if size < 1 << 10:
        return f"{size} B"
    if size < 1 << 20:
        return f"{size / (1 << 10):.1f} KiB"
    return f"{size / (1 << 20):.2f} MiB"


def format_latency(us: float) -> str:
    """Microseconds as people read them: µs below 1 ms, ms below 1 s, else s."""
    return f"{us:.0f} µs" if us < 1e3 else f"{us / 1e3:.4g} ms" if us < 1e6 else f"{us / 1e6:.4g} s"


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
