"""Masks of attention, -1e9 added where it may not look, are refused: int8 holds nothing else beside them.

The scale of the sum would be millions, and no score told from another. MultiHeadAttention of a Keras model gets a mask
that fits (`masks_that_fit`) before it is converted.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...errors import BadInput
from ..layer_names import layer_of
from .draft import Draft

#: Below every score by so much, a masked one's share is e^-24 of an equal one's: nothing in a softmax of 8 bits.
MASK = -24.0
_HUGE = 1e4
_MOVES = frozenset({"TRANSPOSE", "RESHAPE", "SQUEEZE", "EXPAND_DIMS"})


@contextlib.contextmanager
def masks_that_fit() -> Iterator[None]:
    """Meanwhile tf_keras's Softmax, which MultiHeadAttention has inside, adds MASK where it is told to mask."""
    from tf_keras.src.layers.activation import softmax

    name = "_large_compatible_negative"
    before = getattr(softmax, name, None)
    if before is None:  # another version: what it adds is refused below
        yield
        return
    setattr(softmax, name, lambda _dtype: MASK)
    try:
        yield
    finally:
        setattr(softmax, name, before)


def refuse_masks(draft: Draft) -> list[str]:
    """Raises BadInput for an ADD of such a constant, or a SUB of its opposite, on the way to a SOFTMAX."""
    writers = {int(t): op for op in draft.operators for t in op.outputs}
    for op in draft.operators:
        tensor = int(op.inputs[0]) if draft.kind(op) == "SOFTMAX" else -1
        while tensor in writers and draft.kind(writers[tensor]) in _MOVES:
            tensor = int(writers[tensor].inputs[0])
        if tensor in writers and _is_mask(draft, writers[tensor]):
            name = draft.name(tensor)
            raise BadInput(
                f"layer {layer_of(name) or name!r} masks by adding -1e9: beside that, int8 cannot tell scores apart.",
                "MultiHeadAttention, from a .keras or .h5 file, gets a mask that fits; or leave the mask out.",
            )
    return []


def _is_mask(draft: Draft, op: Any) -> bool:
    if draft.kind(op) not in ("ADD", "SUB"):
        return False
    for tensor in (int(t) for t in op.inputs):
        constant, scale = draft.data(tensor), draft.scale(tensor)
        if constant is not None and scale is not None:
            return bool((np.abs(scale[0] * (constant.astype(np.float64) - scale[1])) > _HUGE).any())
    return False
