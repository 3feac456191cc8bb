"""A seeded sample of every operator's generated cases, merged into programs that a simulated board holds."""

from __future__ import annotations

import random
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import accumulate, islice
from pathlib import Path
from zlib import crc32

import native
from cases import MAX_INPUTS, ORACLE, Case, generate, importable
from hypothesis.strategies import SearchStrategy
from oracle import Arrays
from strategies import by_kind

from tinygen.backends.aot import render_aot
from tinygen.backends.sim_support import sim_files, stack_bytes
from tinygen.boards import BoardProfile, board_bytes, load_board
from tinygen.compiled import Compiled, Model
from tinygen.graph.ir import Graph
from tinygen.graph.plan import Buffer, MemoryPlan
from tinygen.memory.lifetimes import buffers_of
from tinygen.memory.planner import plan_memory
from tinygen.ops import operators
from tinygen.ops.lowering import Layer, lower
from tinygen.records import manifest_of
from tinygen.resources import data_dir

TAKEN, DRAWN, DRAWN_FOR_MORE = 4, 24, 300  # of each strategy
MOST_BYTES, MOST_MACS = 2_000, 40_000  # the smallest machine has 16 KiB of RAM, the slowest no divider
HARNESS_BYTES = 1_024
NAME = "cases"
_KERNELS = data_dir("firmware") / "kernels"
CORES = (
    "qemu_microbit qemu_m0plus qemu_mps2_an385 qemu_mps2_an386 qemu_mps2_an500 qemu_mps2_an505 qemu_mps3_an547 "
    "qemu_riscv32"
).split()
_FUNCTION = re.compile(r"^(?:TG_KERNEL \w+ \*?|TG_[A-Z0-9_]+\()(tg_\w+)[(,]", re.M)


@dataclass(frozen=True)
class Entry:
    """One case as we import it, of the sample of operator `kind`, and what the reference computes."""

    kind: str
    case: Case
    graph: Graph
    arena_bytes: int
    expected: Sequence[Arrays] = ()

    @property
    def ends(self) -> int:
        """How many inputs or outputs it adds to a program."""
        return max(len(self.graph.inputs), len(self.graph.outputs))


def kernels_of(kind: str) -> set[str]:
    """The functions in the headers of an operator's kernels."""
    headers = {kernel.header for kernel in operators()[kind].kernels}
    return {name for header in headers for name in _FUNCTION.findall((_KERNELS / header).read_text("utf-8"))}


@cache
def _feature_sets() -> frozenset[frozenset[str]]:
    """The instruction sets of the cores, as far as a kernel asks for a feature."""
    asked = {feature for operator in operators().values() for kernel in operator.kernels for feature in kernel.features}
    return frozenset(load_board(name).features & asked for name in CORES)


def called(graph: Graph) -> set[str]:
    """The kernels' functions that a graph calls on any of the cores."""
    return {layer.code.function for features in _feature_sets() for layer in lower(graph, features) if layer.code}


@cache
def sample() -> tuple[Entry, ...]:
    """The cases that every core runs, the same in every run: of each operator a few by each of its strategies.

    Where functions of its kernels are left, more are drawn for those that call one.
    """
    entries: list[Entry] = []
    for kind, strategies in by_kind().items():
        for strategy in strategies:
            few = list(islice(_small(kind, strategy, DRAWN), TAKEN))
            assert few, f"a strategy of {kind} has no case that is small enough for every core: {strategy}"
            entries += few
    reached = {name for entry in entries for name in called(entry.graph)}
    for kind in sorted(operators().keys() & by_kind().keys()):
        for strategy in by_kind()[kind]:
            for entry in _small(kind, strategy, 0 if kernels_of(kind) <= reached else DRAWN_FOR_MORE):
                if not called(entry.graph) <= reached:
                    entries.append(entry)
                    reached |= called(entry.graph)
    return tuple(_answered(entry) for entry in sorted(entries, key=lambda e: e.kind))


def _answered(entry: Entry) -> Entry:
    expected = ORACLE.run(entry.case.model, entry.case.samples(), len(entry.case.outputs))
    assert expected is not None, f"the reference refuses, we do not: {entry.case}"
    return replace(entry, expected=expected)


def _small(kind: str, strategy: SearchStrategy[Case], count: int) -> Iterator[Entry]:
    """Of `count` cases those that we take and the smallest board holds, in any order but the drawn."""
    drawn = generate(strategy, count) if count else []
    random.Random(crc32(kind.encode())).shuffle(drawn)
    for case in drawn:
        graph = importable(case)
        if isinstance(graph, Graph):
            layers = lower(graph, frozenset())
            arena_bytes = side_by_side([graph], graph, layers).arena_bytes
            if arena_bytes <= MOST_BYTES and sum(layer.macs for layer in layers) <= MOST_MACS:
                yield Entry(kind, case, graph, arena_bytes)


def programs(entries: Sequence[Entry], board: BoardProfile) -> Iterator[list[Entry]]:
    """The entries in order, as many in each program as the board's RAM and the model's description hold."""
    room = board.ram.size - stack_bytes(board) - HARNESS_BYTES
    program: list[Entry] = []
    for entry in entries:
        used = sum(e.arena_bytes + 16 for e in (*program, entry))
        if used > room or sum(e.ends for e in (*program, entry)) > MAX_INPUTS:
            yield program
            program = []
        program.append(entry)
    yield program


def write_project(entries: Sequence[Entry], board: BoardProfile, folder: Path) -> Path:
    """The entries side by side as one rendered project, as far as it is built and simulated."""
    graphs = [entry.graph for entry in entries]
    graph = native.merge(graphs)
    layers = lower(graph, board.features)
    plan = side_by_side(graphs, graph, layers)
    compiled = Compiled(Model(NAME, b""), board, graph, layers, plan)
    library = render_aot(native.without_scales(graph), layers, plan, board.name, compiled.model.info)
    files = {f"lib/{NAME}/src/{path}": text for path, text in library.items()}
    files |= {f"sim/{path}": text for path, text in sim_files(board, NAME).items()}
    files["tinygen.json"] = manifest_of(compiled, optimize="balanced", toolchain=None).text()
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    (folder / "board.toml").write_bytes(board_bytes(board.name))
    return folder


def side_by_side(graphs: Sequence[Graph], graph: Graph, layers: Sequence[Layer]) -> MemoryPlan:
    """The planner's plan of each graph, one after the other in one arena."""
    tensors = list(accumulate(len(g.tensors) for g in graphs))
    steps = list(accumulate(len(g.ops) for g in graphs))
    parts: list[list[Buffer]] = [[] for _ in graphs]
    for buffer in buffers_of(graph, tuple(layers)):
        owner = bisect_right(tensors, buffer.tensors[0]) if buffer.tensors else bisect_right(steps, buffer.layer)
        parts[owner].append(buffer)
    placed: list[Buffer] = []
    end = 0
    for part in parts:
        plan = plan_memory(part, len(layers))
        placed += [replace(buffer, offset=buffer.offset + end) for buffer in plan.buffers]
        end += -(-plan.arena_bytes // 16) * 16
    return MemoryPlan(end, 0, 0, tuple(placed))
