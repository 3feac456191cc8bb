"""A seeded sample of every operator's generated cases, merged into programs that a simulated board holds."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import accumulate
from pathlib import Path
from zlib import crc32

import native
from cases import MAX_INPUTS, ORACLE, Case, generate, importable
from hypothesis.strategies import SearchStrategy
from oracle import Arrays
from strategies import by_kind

from tinygen.backends.aot import render_aot
from tinygen.backends.sim_support import sim_files, stack_bytes
from tinygen.boards import BoardProfile, board_bytes
from tinygen.compiled import Compiled, Model
from tinygen.graph.ir import Graph
from tinygen.graph.plan import Buffer, MemoryPlan
from tinygen.memory.lifetimes import buffers_of
from tinygen.memory.planner import plan_memory
from tinygen.ops.lowering import Layer, lower
from tinygen.records import manifest_of

TAKEN, DRAWN = 5, 20  # of each strategy
MOST_BYTES, MOST_MACS = 2_000, 40_000  # the smallest machine has 16 KiB of RAM, the slowest no divider
HARNESS_BYTES = 1_024
NAME = "cases"


@dataclass(frozen=True)
class Entry:
    """One case as we import it, and what the reference computes; it is of the sample of operator `kind`."""

    kind: str
    case: Case
    graph: Graph
    expected: list[Arrays]
    arena_bytes: int

    @property
    def ends(self) -> int:
        """How many inputs or outputs it adds to a program."""
        return max(len(self.graph.inputs), len(self.graph.outputs))


@cache
def sample() -> tuple[Entry, ...]:
    """The cases that every core runs: of each operator, a few by each of its strategies; the same in every run."""
    return tuple(
        entry for kind, strategies in by_kind().items() for strategy in strategies for entry in _taken(kind, strategy)
    )


def _taken(kind: str, strategy: SearchStrategy[Case]) -> list[Entry]:
    drawn = generate(strategy, DRAWN)
    random.Random(crc32(kind.encode())).shuffle(drawn)
    taken: list[Entry] = []
    for case in drawn:
        graph = importable(case)
        if len(taken) == TAKEN or not isinstance(graph, Graph):
            continue
        layers = lower(graph, frozenset())
        arena_bytes = _plan([graph], graph, layers).arena_bytes
        if arena_bytes <= MOST_BYTES and sum(layer.macs for layer in layers) <= MOST_MACS:
            expected = ORACLE.run(case.model, case.samples(), len(case.outputs))
            assert expected is not None, f"the reference refuses, we do not: {case}"
            taken.append(Entry(kind, case, graph, expected, arena_bytes))
    return taken


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
    plan = _plan(graphs, graph, layers)
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


def _plan(graphs: Sequence[Graph], graph: Graph, layers: Sequence[Layer]) -> MemoryPlan:
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
