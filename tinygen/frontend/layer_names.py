"""The layer that a place in TensorFlow's graph belongs to: "dense" for "model/dense/MatMul"."""

from __future__ import annotations

import re


def layer_of(place: str) -> str:
    """The layer's name, empty where the place has none."""
    parts = [part for part in place.partition(";")[0].partition("@")[0].split("/") if part]
    if len(parts) > 1 and re.fullmatch(r"(model|sequential|functional)(_\d+)?", parts[0]):
        parts = parts[1:]
    return parts[0][:80] if len(parts) > 1 else ""
