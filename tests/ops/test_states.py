"""Variables that outlive an inference, four inferences in a row, against the reference; with and without passes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import draw as d
import numpy as np
import pytest
from build_tflite import Node, Sub, T, const
from cases import Case, compare, generate
from hypothesis import strategies as st
from strategies import cases_of

from tinygen.errors import BadInput
from tinygen.frontend.importer import import_tflite
from tinygen.graph.ir import Graph
from tinygen.passes import optimize
from tinygen.passes.order import least_memory_order

HANDLE = T((), "resource")


class Model:
    """A streaming model under construction: tensors and nodes in order."""

    def __init__(self) -> None:
        self.tensors: list[T] = []
        self.nodes: list[Node] = []
        self.once: list[tuple[str, T]] = []

    def tensor(self, t: T) -> int:
        self.tensors.append(t)
        return len(self.tensors) - 1

    def op(self, kind: str, inputs: tuple[int, ...], out: T, options: str = "", **fields: object) -> int:
        y = self.tensor(out)
        self.nodes.append(Node(kind, inputs, (y,), options, dict(fields)))
        return y

    def handle(self, name: str) -> int:
        return self.op("VAR_HANDLE", (), HANDLE, "VarHandleOptions", container="", sharedName=name)

    def read(self, handle: int, out: T) -> int:
        return self.op("READ_VARIABLE", (handle,), out, "ReadVariableOptions")

    def assign(self, handle: int, value: int) -> None:
        self.nodes.append(Node("ASSIGN_VARIABLE", (handle, value), (), "AssignVariableOptions"))

    def case(self, inputs: tuple[int, ...], outputs: tuple[int, ...], seed: int) -> Case:
        nodes, others = tuple(self.nodes), []
        if self.once:
            tensors, assigned = [], []
            for name, value in self.once:
                at = len(tensors)
                tensors += [HANDLE, value]
                assigned += [Node("VAR_HANDLE", (), (at,), "VarHandleOptions", {"container": "", "sharedName": name}),
                             Node("ASSIGN_VARIABLE", (at, at + 1), (), "AssignVariableOptions")]  # fmt: skip
            others.append(Sub(tuple(tensors), tuple(assigned)))
            nodes = (Node("CALL_ONCE", (), (), "CallOnceOptions", {"initSubgraphIndex": 1}), *nodes)
        return Case(tuple(self.tensors), nodes, inputs, outputs, seed, others=tuple(others))


def _first_values(draw: st.DrawFn, model: Model, name: str, like: T) -> None:
    """Now and then constants to start from: all equal, or not."""
    how = draw(st.sampled_from(("none", "equal", "ramp")))
    if how != "none":
        size = int(np.prod(like.shape))
        values = np.full(size, draw(st.integers(-128, 127))) if how == "equal" else (np.arange(size) * 7) % 256 - 128
        model.once.append((name, replace(like, data=values.astype(like.dtype).reshape(like.shape))))


@cases_of("VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE")
@st.composite
def rings(draw: st.DrawFn) -> Case:
    """The last rows of a signal: read, joined with new ones, the oldest cut off, kept. What streaming models do."""
    model = Model()
    kept, new, width = draw(st.integers(1, 6)), draw(st.integers(1, 3)), draw(st.integers(1, 9))
    dtype = draw(st.sampled_from(("int8", "int8", "int8", "int16")))
    zero = draw(d.zero_points) if dtype == "int8" else 0
    row = T((1, new, width), dtype, (draw(d.scales()),), (zero,))
    x = model.tensor(row)
    handle = model.handle("ring")
    held = replace(row, shape=(1, kept, width))
    _first_values(draw, model, "ring", held)
    before = model.read(handle, held)
    both = model.op(
        "CONCATENATION", (before, x), replace(row, shape=(1, kept + new, width)), "ConcatenationOptions", axis=1
    )
    cuts = [model.tensor(const(v)) for v in ([0, new, 0], [1, kept + new, width], [1, 1, 1])]
    rest = model.op("STRIDED_SLICE", (both, *cuts), held, "StridedSliceOptions", beginMask=0, endMask=0)
    model.assign(handle, rest)
    ends = draw(st.sampled_from(((both,), (before,), (rest,), (both, before), (before, rest))))
    return model.case((x,), ends, draw(d.seeds))


@cases_of("VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE")
@st.composite
def programs(draw: st.DrawFn) -> Case:
    """Variables read, added up, exchanged and assigned in any order, some twice."""
    model = Model()
    shape = draw(d.shapes(1, 3, 24))
    like = T(shape, "int8", (draw(d.scales(-4, 0)),), (draw(d.zero_points),))
    values = [model.tensor(like), model.tensor(like)]
    inputs = tuple(values)
    handles = {}
    for name in ("a", "b")[: draw(st.integers(1, 2))]:
        handles[name] = model.handle(name)
        _first_values(draw, model, name, like)
    assigned = set()
    for _ in range(draw(st.integers(3, 10))):
        what = draw(st.sampled_from(("read", "assign", "max", "neg", "view")))
        handle = handles[draw(st.sampled_from(sorted(handles)))]
        pick = draw(st.sampled_from(values))
        if what == "read":
            values.append(model.read(handle, like))
        elif what == "assign":
            model.assign(handle, pick)
            assigned.add(handle)
        elif what == "max":
            values.append(model.op("MAXIMUM", (pick, draw(st.sampled_from(values))), like, "MaximumMinimumOptions"))
        elif what == "neg":
            values.append(model.op("ABS", (pick,), like, "AbsOptions"))
        else:
            flat = model.op("RESHAPE", (pick,), replace(like, shape=(int(np.prod(shape)),)))
            values.append(model.op("RESHAPE", (flat,), like))
    for handle in handles.values():
        if handle not in assigned:
            model.assign(handle, draw(st.sampled_from(values)))
    made = values[2:] or [model.op("ABS", (values[0],), like, "AbsOptions")]
    outputs = tuple(sorted(draw(st.sets(st.sampled_from(made), min_size=1, max_size=3))))
    return model.case(inputs, outputs, draw(d.seeds))


def rewritten(graph: Graph) -> Graph:
    """As the compiler has it: after the passes, in the order of least memory."""
    return least_memory_order(optimize(graph))


@pytest.mark.parametrize("passes", [False, True], ids=["as the file has it", "after the passes"])
def test_rings(tmp_path: Path, passes: bool) -> None:
    assert compare(generate(rings(), 120), tmp_path, rewrite=rewritten if passes else None) == 120


@pytest.mark.parametrize("passes", [False, True], ids=["as the file has it", "after the passes"])
def test_programs(tmp_path: Path, passes: bool) -> None:
    assert compare(generate(programs(), 200), tmp_path, rewrite=rewritten if passes else None) > 150


def test_passes_take_the_copies_away() -> None:
    kinds = [op.kind for case in generate(rings(), 60) for op in optimize(import_tflite(case.model)).ops]
    assert kinds.count("READ_VARIABLE") < 40 and kinds.count("ASSIGN_VARIABLE") < 40


LIKE = d.q8((2, 2), 0.5, 3)


def broken(what: str) -> Case:
    """A model whose variable has no known outcome."""
    model = Model()
    x = model.tensor(LIKE)
    handle = model.handle("v")
    if what == "used before it runs once":
        model.once.append(("v", replace(LIKE, data=np.zeros((2, 2), np.int8))))
    if what != "never assigned":
        value = model.tensor(d.q8((2, 3), 0.5, 3)) if what == "other size" else x
        model.assign(handle, value)
    y = model.read(x if what == "no handle" else handle, LIKE)
    case = model.case((x, value) if what == "other size" else (x,), (y,), 0)
    if what == "used before it runs once":
        case = replace(case, nodes=(*case.nodes[1:], case.nodes[0]))
    if what in ("no such subgraph", "itself"):
        number = 5 if what == "no such subgraph" else 0
        call = Node("CALL_ONCE", (), (), "CallOnceOptions", {"initSubgraphIndex": number})
        case = replace(case, nodes=(call, *case.nodes))
    if what == "computes":
        once = Sub((LIKE, LIKE), (Node("ABS", (0,), (1,), "AbsOptions"),))
        call = Node("CALL_ONCE", (), (), "CallOnceOptions", {"initSubgraphIndex": 1})
        case = replace(case, nodes=(call, *case.nodes), others=(once,))
    if what == "is an output":
        case = replace(case, outputs=(handle,))
    return case


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("never assigned", "nothing is ever assigned"),
        ("used before it runs once", "after a variable was used"),
        ("other size", "holds int8"),
        ("no handle", "no VAR_HANDLE"),
        ("no such subgraph", "subgraph 5 of 1"),
        ("itself", "CALL_ONCE runs CALL_ONCE"),
        ("computes", "CALL_ONCE runs ABS"),
        ("is an output", "cannot be an output"),
    ],
)
def test_refused_in_one_line(what: str, words: str) -> None:
    with pytest.raises(BadInput, match=words) as refusal:
        import_tflite(broken(what).model, "hostile")
    assert "\n" not in refusal.value.line and len(refusal.value.line) < 400
