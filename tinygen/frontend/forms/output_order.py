"""Several outputs in the order in which the Keras model has them; the converter writes them in one of its own."""

from __future__ import annotations

import re

import numpy as np

from .draft import Draft


def outputs_in_order(draft: Draft) -> list[str]:
    """By the numbers that the signature gives them, output_0, output_1 and on; by their names where it names them."""
    before = [int(t) for t in draft.graph.outputs]
    signatures = draft.model.signatureDefs or []
    if len(before) < 2 or len(signatures) != 1 or {int(o.tensorIndex) for o in signatures[0].outputs} != set(before):
        return []
    ends = {_key(o.name): int(o.tensorIndex) for o in signatures[0].outputs}
    after = [ends[key] for key in sorted(ends)]
    if sorted(after) == sorted(before) and after != before:
        draft.graph.outputs = np.array(after, np.int32)
        draft.changed = True
    return []


def _key(name: bytes | str) -> tuple[int, str]:
    text = name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
    number = re.fullmatch(r"output_(\d+)", text)
    return (int(number[1]), "") if number else (0, text)
