"""SPLIT and CONCATENATION that repeat each slice of an axis, as UpSampling1D and 3D do, by RESIZE_NEAREST_NEIGHBOR.

TFLM concatenates up to ten tensors. The axis becomes the height of an image one pixel wide: the dimensions before it
are the batch, those after it the channels, and the enlarged image has every row the same number of times.
"""

from __future__ import annotations

import math
from typing import Any

from .draft import Draft


def repeats_by_resizing(draft: Draft) -> list[str]:
    """Every such pair whose parts nobody else reads."""
    writers = {int(t): op for op in draft.operators for t in op.outputs}
    readers = draft.readers()
    gone: set[int] = set()
    operators: list[Any] = []
    for op in draft.operators:
        split = writers.get(int(op.inputs[0])) if draft.kind(op) == "CONCATENATION" else None
        axis = _axis(draft, split, op, readers) if split is not None else None
        if split is None or axis is None:
            operators.append(op)
            continue
        gone.add(id(split))
        operators += _resized(draft, int(split.inputs[1]), int(op.outputs[0]), axis)
    if gone:
        draft.put(op for op in operators if id(op) not in gone)
    return []


def _axis(draft: Draft, split: Any, op: Any, readers: dict[int, int]) -> int | None:
    """The axis that both are about, where each part of extent 1 stands equally often in a row."""
    if draft.kind(split) != "SPLIT" or len(op.inputs) % len(split.outputs):
        return None
    times = len(op.inputs) // len(split.outputs)
    parts = [int(t) for t in split.outputs]
    if [int(t) for t in op.inputs] != [t for t in parts for _ in range(times)] or times < 2:
        return None
    at, rank = draft.data(int(split.inputs[0])), len(draft.shape(int(op.outputs[0])))
    axis = op.builtinOptions.axis % rank
    if at is None or int(at.reshape(-1)[0]) % rank != axis or op.builtinOptions.fusedActivationFunction:
        return None
    alike = all(draft.shape(t)[axis] == 1 and readers[t] == times for t in parts)
    return axis if alike and draft.dtype(parts[0]) in ("INT8", "FLOAT32") else None


def _resized(draft: Draft, x: int, y: int, axis: int) -> list[Any]:
    before, after, name, dtype = draft.shape(x), draft.shape(y), draft.name(y), draft.dtype(x)
    batch, channels = math.prod(before[:axis]), math.prod(before[axis + 1 :])

    def reshaped(source: int, target: int) -> Any:
        shape = draft.shape(target)
        wanted = draft.tensor(f"{name}_shape", (len(shape),), "INT32", shape)
        return draft.operator("RESHAPE", (source, wanted), (target,), "ReshapeOptions", newShape=list(shape))

    image = draft.tensor(f"{name}_image", (batch, before[axis], 1, channels), dtype, like=x)
    large = draft.tensor(f"{name}_large", (batch, after[axis], 1, channels), dtype, like=y)
    size = draft.tensor(f"{name}_size", (2,), "INT32", (after[axis], 1))
    resize = draft.operator("RESIZE_NEAREST_NEIGHBOR", (image, size), (large,), "ResizeNearestNeighborOptions")
    return [reshaped(x, image), resize, reshaped(large, y)]
