"""A model as MicroPython source for the viper emitter: exact, and on every core with no C toolchain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .. import __version__
from ..backends.aot import ModelInfo, model_context, short
from ..backends.states import state_fields
from ..backends.templating import c_comment, render
from ..errors import BadInput
from ..graph.ir import Graph
from ..graph.plan import MemoryPlan
from ..ops.lowering import Layer, lower
from . import viper_moves as moves
from . import viper_operands as operands
from . import viper_sums as sums
from .module import ARENA_ALIGN
from .viper_places import Places, Viewed, places, turn_of
from .viper_words import FIELDS, Call, call

#: How a layer of each C kernel is computed.
KERNELS: dict[str, Callable[[Viewed], list[Call]]] = {
    "tg_matmul_s8": sums.matmul,
    "tg_conv2d_s8": sums.conv2d,
    "tg_depthwise_conv2d_s8": sums.depthwise_conv2d,
    "tg_mean_s8": sums.mean,
    "tg_add_s8": operands.add,
    "tg_mul_s8": operands.mul,
    "tg_maximum_s8": operands.extreme,
    "tg_minimum_s8": operands.extreme,
    "tg_average_pool_s8": moves.pool,
    "tg_max_pool_s8": moves.pool,
    "tg_softmax_s8": moves.softmax,
    "tg_lut_s8": moves.lut,
    "tg_copy": moves.copy,
    "tg_concatenation": moves.concatenation,
    "tg_split": moves.split,
    "tg_move": moves.move,
    "tg_pad": moves.pad,
}


@dataclass(frozen=True)
class ViperSource:
    """`text` is the source of `_<name>.py`."""

    text: str
    arena_bytes: int
    input_bytes: int
    output_bytes: int


class _Constants:
    """The module's bytes by name, those of equal bytes once."""

    def __init__(self) -> None:
        self.names: dict[tuple[str, bytes], str] = {}

    def name(self, prefix: str, data: bytes) -> str:
        """T for words, which are aligned at import; W for bytes that are read in place."""
        return self.names.setdefault((prefix, data), f"_{prefix}{len(self.names)}")

    def line(self, found: Call, target: str = "arena", other: str = "arena") -> str:
        """The call of a kernel."""
        second = other if found.other is None else self.name("W", found.other)
        return f"_{found.kernel}({target}, {second}, 0, {self.name('T', found.words)})"


def viper_source(graph: Graph, layers: tuple[Layer, ...], plan: MemoryPlan, info: ModelInfo) -> ViperSource:
    """The module for a graph planned with `layers`, whichever kernels these have: viper has its own of each.

    BadInput where it has none for a layer.
    """
    plain = lower(graph, frozenset(), "speed")
    context = model_context(graph, plain, plan, "", info)
    states = -(-context["state_bytes"] // ARENA_ALIGN) * ARENA_ALIGN + ARENA_ALIGN if context["states"] else 0
    offset = -(-plan.arena_bytes // ARENA_ALIGN) * ARENA_ALIGN
    at = places(graph, plan, offset)
    known = _Constants()
    lines, used, row_bytes = _layers(graph, plain, at, known)
    first = _first_values(graph, at)
    ins, outs = _ends(graph, at, graph.inputs), _ends(graph, at, graph.outputs)
    calls = [*first, *(c for c, _ in ins), *(c for _, c in outs)]
    sizes = {
        "arena_bytes": max(offset + states, ARENA_ALIGN),
        "input_bytes": sum(graph.tensors[i].nbytes for i in graph.inputs),
        "output_bytes": sum(graph.tensors[i].nbytes for i in graph.outputs),
    }
    told = {
        "first_lines": [known.line(c) for c in first],
        "in_lines": [known.line(c, "arena", "samples") for c, _ in ins],
        "out_lines": [known.line(c, "out", "arena") for _, c in outs],
    }
    kernels = [name for name in FIELDS if name in used | {c.kernel for c in calls}]
    text = render(
        "micropython/viper.py.j2",
        **sizes, **told,
        native=f"_{info.name}", title=c_comment(graph.name), tinygen=__version__, plan_bytes=plan.arena_bytes,
        state_bytes=states, arena_align=ARENA_ALIGN, states=bool(states), ready_at=at.ready, lines=lines,
        kernels=[_kernel(name, row_bytes) for name in kernels],
        constants=[(name, repr(data), name[1] == "T") for (_, data), name in known.names.items()],
    )  # fmt: skip
    return ViperSource(text, **sizes)


def _layers(graph: Graph, layers: tuple[Layer, ...], at: Places, known: _Constants) -> tuple[list[str], set[str], int]:
    """(the lines of _infer, the kernels that they call, the bytes of the largest window)."""
    lines: list[str] = []
    used: set[str] = set()
    row_bytes = 1
    for layer in layers:
        lines.append(f"# {layer.index} {c_comment(f'{layer.op.kind} {short(layer.op.name, 40)}')}")
        for found in _calls(Viewed(graph, layer, at)) if layer.code else []:
            lines.append(known.line(found))
            used.add(found.kernel)
            if found.kernel == "conv2d":
                row_bytes = max(row_bytes, graph.input(layer.op, 1).nbytes // graph.input(layer.op, 1).shape[0])
    return lines, used, row_bytes


def _calls(layer: Viewed) -> list[Call]:
    assert layer.layer.code is not None
    function, op = layer.layer.code.function, layer.op
    if function not in KERNELS or all(layer.is_constant(i) for i in layer.ins):
        types = ", ".join(dict.fromkeys(layer.graph.tensors[i].dtype for i in (op.inputs[0], *op.outputs)))
        raise BadInput(
            f"{op.name}: {op.kind} on {types} is not supported in viper.", "A native module or --runtime aot runs it."
        )
    return KERNELS[function](layer)


def _first_values(graph: Graph, at: Places) -> list[Call]:
    """What a reset writes: every variable, then the word that says so."""
    if not graph.states:
        return []
    calls = []
    for field in state_fields(graph):
        place, tensor = at.starts[field.name], graph.tensors[field.tensors[0]]
        if field.fill is not None:
            fields = {"y": place, "count": tensor.nbytes, "value": field.fill ^ turn_of(tensor)}
            calls.append(call("fill", fields))
        else:
            fields = {"x": 0, "y": place, "count": tensor.nbytes, "turn": turn_of(tensor)}
            calls.append(call("carry", fields, field.initial.tobytes()))
    return [*calls, call("fill", {"y": at.ready, "count": 4, "value": 1})]


def _ends(graph: Graph, at: Places, tensors: tuple[int, ...]) -> list[tuple[Call, Call]]:
    """For each: (from the caller's buffer into the arena, the way back)."""
    found, done = [], 0
    for index in tensors:
        tensor = graph.tensors[index]
        shared = {"count": tensor.nbytes, "turn": turn_of(tensor)}
        there = call("carry", {"x": done, "y": at(index), **shared})
        found.append((there, call("carry", {"x": at(index), "y": done, **shared})))
        done += tensor.nbytes
    return found


def _kernel(name: str, row_bytes: int) -> str:
    p: dict[str, Any] = {field: f"t[{i}]" for i, field in enumerate(FIELDS[name])}
    return render(f"micropython/viper/{name}.py.j2", p=p, row_bytes=row_bytes).rstrip() + "\n"
