"""The kernels of layers whose weights are stored compressed: their calls, what they save, and what they take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..graph.ir import Graph, Op, constant
from ._packing import Packing, packings
from .base import Arg, Const, Constant, Kernel, LayerCode, Scratch, any_layer

Emit = Callable[[Graph, Op], LayerCode]
Takes = Callable[[Graph, Op], bool]
#: The arguments of tg_packed.h's forms, behind the weights.
_FORMS: dict[str, tuple[str, ...]] = {
    "sparse": ("block_log2",),
    "lut": ("table", "centers"),
    "sparse_lut": ("block_log2", "table", "centers"),
}


def packed_kernels(
    layer: str, emit: Emit, sizes: dict[str, int], *, takes: Takes = any_layer, calls: str = "", scratch: int = 0
) -> tuple[Kernel, ...]:
    """The variants tg_<layer>_<form>_s8 of the dense call that `emit` makes; weights are [O, …].

    `sizes` are the most bytes of each form's function on any core, which writes out `scratch` rows at a time and
    `calls` the dense kernel's function.
    """
    return tuple(_kernel(f"{layer}_{form}_s8", f"{layer}_packed.h", form, size, emit, takes, calls, scratch)
                 for form, size in sizes.items())  # fmt: skip


def _kernel(
    name: str, header: str, form: str, size: int, emit: Emit, takes: Takes, calls: str, scratch: int
) -> Kernel:  # fmt: skip
    def supports(graph: Graph, op: Op) -> bool:
        return takes(graph, op) and _packing(graph, op, form) is not None

    def emit_packed(graph: Graph, op: Op) -> LayerCode:
        packing = _packing(graph, op, form)
        assert packing is not None, "supports() comes first"
        return _call(emit(graph, op), f"tg_{name}", packing, scratch > 0)

    def saves(graph: Graph, op: Op) -> int:
        packing = _packing(graph, op, form)
        return graph.input(op, 1).nbytes - packing.nbytes if packing else 0

    def scratch_bytes(graph: Graph, op: Op) -> int:
        w = graph.input(op, 1)
        return min(scratch, w.shape[0]) * (w.size // w.shape[0])

    return Kernel(
        name, header, emit_packed, supports=supports, scratch_bytes=scratch_bytes, saves=saves,
        parts=((f"tg_{name}", size), *(((calls, 0),) if calls else ())),
    )  # fmt: skip


def _packing(graph: Graph, op: Op, form: str) -> Packing | None:
    w = graph.input(op, 1)
    along_rows = w.quant is not None and (w.quant.axis == 0 or not w.quant.per_channel)
    if w.quant is None or not along_rows or any(w.quant.zero_points):
        return None
    return packings(constant(w).reshape(w.shape[0], -1), w.quant.scales).get(form)


def _call(dense: LayerCode, function: str, packing: Packing, scratch: bool) -> LayerCode:
    """The dense call with the weights' constant and argument replaced by those of the packing."""
    table = packing.table
    constants = [Constant("weights", "uint8_t", packing.data)]
    own: dict[str, Arg] = {"block_log2": packing.block_log2, "table": 0, "centers": 0}
    if table and table.values is not None:
        constants.append(Constant("table", "int8_t", table.values))
        own["table"] = Const("table")
    if table and table.centers is not None:
        constants.append(Constant("centers", "int32_t", table.centers))
        own["centers"] = Const("centers")
    rest = dense.constants[[c.name for c in dense.constants].index("weights") + 1 :]
    at = dense.args.index(Const("weights")) + 1
    middle = (*(own[name] for name in _FORMS[packing.form]), *((Scratch(),) if scratch else ()))
    args = (*dense.args[:at], *middle, *dense.args[at:])
    return replace(dense, function=function, constants=(*constants, *rest), args=args)
