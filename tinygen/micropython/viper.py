"""A model as MicroPython source for the viper emitter: exact, and on every core with no C toolchain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .. import __version__
from ..backends.aot import ModelInfo, short
from ..backends.states import state_bytes, state_fields
from ..backends.templating import c_comment, render
from ..errors import BadInput
from ..graph.ir import Graph, Op
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
    """`text` is the source of `_<name>.py`; `blob_bytes` of its constants are used where they lie."""

    text: str
    arena_bytes: int
    input_bytes: int
    output_bytes: int
    blob_bytes: int


#: Constants that stand in one tuple.
_TOGETHER = 16


class _Constants:
    """The module's bytes by name, those of equal bytes once."""

    def __init__(self) -> None:
        self.names: dict[tuple[str, bytes], str] = {}

    def name(self, prefix: str, data: bytes) -> str:
        """T for words, which are aligned at import; W for bytes that are read in place."""
        return self.names.setdefault((prefix, data), f"_{prefix}{len(self.names)}")

    def groups(self) -> list[list[tuple[str, str]]]:
        """Names and literals, several that are one tuple."""
        found = [(name, repr(data)) for (_, data), name in self.names.items()]
        return [found[i : i + _TOGETHER] for i in range(0, len(found), _TOGETHER)]

    def line(self, found: Call, target: str = "arena", other: str = "arena") -> str:
        """The call of a kernel."""
        second = other if found.other is None else self.name("W", found.other)
        third = "_row" if found.kernel == "conv2d" else "0"
        return f"_{found.kernel}({target}, {second}, {third}, {self.name('T', found.words)})"


def viper_source(graph: Graph, layers: tuple[Layer, ...], plan: MemoryPlan, info: ModelInfo) -> ViperSource:
    """The module for a graph planned with `layers`, whichever kernels these have: viper has its own of each.

    BadInput where it has none for a layer.
    """
    calls = layer_calls(graph, plan)
    at, known = places(graph, plan), _Constants()
    first = _first_values(graph, at)
    ins, outs = _ends(graph, at, graph.inputs), _ends(graph, at, graph.outputs)
    extra = [*first, *(there for there, _ in ins), *(back for _, back in outs)]
    used = {found.kernel for found in (*extra, *(found for _, several in calls for found in several))}
    states = _up(state_bytes(graph)) + ARENA_ALIGN if graph.states else 0
    sizes = {
        "arena_bytes": max(_up(plan.arena_bytes) + states, ARENA_ALIGN),
        "input_bytes": sum(graph.tensors[i].nbytes for i in graph.inputs),
        "output_bytes": sum(graph.tensors[i].nbytes for i in graph.outputs),
    }
    told = {
        "lines": [line for op, several in calls for line in (_comment(op), *map(known.line, several))],
        "first_lines": [known.line(found) for found in first],
        "in_lines": [known.line(there, "arena", "samples") for there, _ in ins],
        "out_lines": [known.line(back, "out", "arena") for _, back in outs],
    }
    row_bytes = max(
        (_row_bytes(graph, op) for op, several in calls for c in several if c.kernel == "conv2d"), default=0
    )
    text = render(
        "micropython/viper.py.j2",
        **sizes, **told,
        native=f"_{info.name}", title=c_comment(graph.name), tinygen=__version__, plan_bytes=plan.arena_bytes,
        state_bytes=states, arena_align=ARENA_ALIGN, states=bool(states), ready_at=at.ready,
        row_bytes=row_bytes, kernels=[_kernel(name) for name in FIELDS if name in used],
        groups=known.groups(),
    )  # fmt: skip
    blob = sum(len(data) for prefix, data in known.names if prefix == "W")
    return ViperSource(text, **sizes, blob_bytes=blob)


def layer_calls(graph: Graph, plan: MemoryPlan) -> list[tuple[Op, list[Call]]]:
    """The calls of each layer, none where it is a view; BadInput where viper has no kernel for one."""
    at = places(graph, plan)
    layers = lower(graph, frozenset(), "speed")
    return [(layer.op, _calls(Viewed(graph, layer, at)) if layer.code else []) for layer in layers]


def _comment(op: Op) -> str:
    return f"# {c_comment(f'{op.kind} {short(op.name, 40)}')}"


def _row_bytes(graph: Graph, op: Op) -> int:
    """The values under a convolution's window."""
    w = graph.input(op, 1)
    return w.nbytes // w.shape[0]


def _up(n: int) -> int:
    return -(-n // ARENA_ALIGN) * ARENA_ALIGN


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


def _kernel(name: str) -> str:
    p: dict[str, Any] = {field: f"t[{i}]" for i, field in enumerate(FIELDS[name])}
    return render(f"micropython/viper/{name}.py.j2", p=p).rstrip() + "\n"
