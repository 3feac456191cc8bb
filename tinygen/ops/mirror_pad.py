"""MIRROR_PAD: edges that go on as in a mirror (REFLECT, SYMMETRIC), over at most four padded dimensions."""

from __future__ import annotations

from dataclasses import dataclass

from ..flatbuffer import Table
from ..graph.ir import ITEM_BYTES, Graph, Op
from ._move import constant_ints
from .base import In, Kernel, LayerCode, Operator, Out, Shape, bad_layer, unsupported

LOOPS = 4


@dataclass(frozen=True)
class MirrorPad:
    """MirrorPadOptions: mode 0 leaves the edge itself out (REFLECT), 1 repeats it (SYMMETRIC)."""

    mode: int


def read(options: Table) -> MirrorPad:
    """MirrorPadOptions."""
    return MirrorPad(options.int8(0))


def _paddings(graph: Graph, op: Op) -> list[tuple[int, int]]:
    """(before, after) of each dimension; a mirror shows no more than there is."""
    x = graph.input(op, 0)
    values = constant_ints(graph, op, 1, "paddings", ("int32", "int64"))
    if op.attrs.mode not in (0, 1):
        raise bad_layer(op, f"unknown mode {op.attrs.mode}")
    if not x.shape or graph.input(op, 1).shape != (len(x.shape), 2):
        raise bad_layer(op, f"paddings {values} for an input {x.shape}")
    most = [n - 1 + op.attrs.mode for n in x.shape]
    pairs = list(zip(values[::2], values[1::2]))
    if any(not (0 <= before <= n and 0 <= after <= n) for n, (before, after) in zip(most, pairs)):
        raise bad_layer(op, f"paddings {values} are below 0 or wider than its input {x.shape} can be mirrored")
    return pairs


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """The input's extents with the paddings added."""
    x = graph.input(op, 0)
    return (tuple(before + n + after for n, (before, after) in zip(x.shape, _paddings(graph, op))),)


def _joined(shape: Shape, pairs: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """(extent, before, after), neighbouring dimensions without padding joined into one."""
    loops: list[tuple[int, int, int]] = []
    for n, (before, after) in zip(shape, pairs):
        if loops and (before, after) == (0, 0) == loops[-1][1:]:
            loops[-1] = (loops[-1][0] * n, 0, 0)
        elif (n, before, after) != (1, 0, 0):
            loops.append((n, before, after))
    return loops


def emit(graph: Graph, op: Op) -> LayerCode:
    """Loops over the output; innermost dimensions without padding are copied as one."""
    x = graph.input(op, 0)
    loops = _joined(x.shape, _paddings(graph, op))
    element = ITEM_BYTES[x.dtype]
    if loops and loops[-1][1:] == (0, 0):
        element *= loops.pop()[0]
    if len(loops) > LOOPS:
        raise unsupported(op, f"mirroring {x.shape} in more than {LOOPS} loops is not supported")
    loops = [(1, 0, 0)] * (LOOPS - len(loops)) + loops
    strides = [element] * LOOPS
    for i in range(LOOPS - 2, -1, -1):
        strides[i] = strides[i + 1] * loops[i + 1][0]
    return LayerCode(
        function="tg_mirror_pad",
        struct="tg_mirror_pad_params",
        params=(
            ("element_bytes", element),
            ("offset", 1 - op.attrs.mode),
            ("y_size", tuple(sum(loop) for loop in loops)),
            ("x_size", tuple(n for n, _, _ in loops)),
            ("before", tuple(before for _, before, _ in loops)),
            ("x_stride", tuple(strides)),
        ),
        args=(In(), Out()),
    )


OPERATOR = Operator(
    kind="MIRROR_PAD",
    resolver="AddMirrorPad",
    limits="constant paddings, at most 4 loops over dimensions padded apart",
    read=read,
    shapes=shapes,
    inputs=(2, 2),
    kernels=(Kernel("mirror_pad", "mirror_pad.h", emit, dtypes=("int8", "float32")),),
)
