"""Every operator of the ahead-of-time back end in a native module: nothing is left to a library, the bits are equal."""

from __future__ import annotations

from collections.abc import Sequence

import native
import pytest
from cases import hold
from core_sample import NAME, Entry, called, sample, side_by_side

from tinygen.backends.aot import ModelInfo
from tinygen.micropython.loader import Module
from tinygen.micropython.module import ModuleSource, module_source
from tinygen.micropython.native import build_native
from tinygen.ops.lowering import Optimize, lower

pytestmark = [pytest.mark.needs_cross_gcc, pytest.mark.needs_tflm, pytest.mark.slow]


def source_of(entries: Sequence[Entry]) -> ModuleSource:
    """The entries side by side in one module; its inputs are theirs, one after the other."""
    graphs = [entry.graph for entry in entries]
    graph = native.merge(graphs)
    layers = lower(graph, frozenset())
    return module_source(native.without_scales(graph), layers, side_by_side(graphs, graph, layers), ModelInfo(NAME))


def run_on(architecture: str, toolchain: str, optimize: Optimize, entries: Sequence[Entry]) -> None:
    source = source_of(entries)
    module = Module(build_native(source, architecture, prefer=toolchain, optimize=optimize).data)
    arena = module.allocate(source.arena_bytes)
    rounds = len(entries[0].expected)
    outputs = []
    for number in range(rounds):
        samples = native.joined([e.case.samples() for e in entries], number)
        outputs.append(module.run(samples, arena, source.output_bytes))
    results = native.split([e.graph for e in entries], b"".join(outputs), rounds)
    for entry, got in zip(entries, results, strict=True):
        hold(entry.case, entry.expected, got)


def one_of_each_function() -> list[Entry]:
    """The first entries that call a kernel's function which none before them calls."""
    reached: set[str] = set()
    entries = []
    for entry in sample():
        if not called(entry.graph) <= reached:
            entries.append(entry)
            reached |= called(entry.graph)
    return entries


@pytest.mark.parametrize(
    ("architecture", "toolchain", "optimize"),
    [
        ("armv6m", "gcc", "balanced"),
        ("armv7m", "zig", "size"),
        ("rv32imc", "gcc", "size"),
    ],
)
def test_every_operator_is_taken(architecture: str, toolchain: str, optimize: Optimize) -> None:
    entries = one_of_each_function()
    run_on(architecture, toolchain, optimize, entries)
