"""Runs viper modules in MicroPython: models one by one, and generated cases side by side in one module."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from cases import ORACLE, ROUNDS, Arrays, Case, hold
from native import joined, merge, spaced_plan, split

from tinygen.backends.aot import ModelInfo
from tinygen.compiled import Compiled
from tinygen.errors import BadInput
from tinygen.frontend.importer import import_tflite
from tinygen.graph.ir import Graph
from tinygen.memory.lifetimes import buffers_of
from tinygen.micropython.programs import find_program
from tinygen.micropython.viper import ViperSource, viper_source
from tinygen.micropython.viper_mpy import viper_mpy
from tinygen.ops.lowering import lower

#: Another MicroPython to run in, and what mpy-cross calls its machine: a build for 32 bits, say.
PROGRAM, MACHINE = os.environ.get("TINYGEN_VIPER_ON", ":x64").rsplit(":", 1)

RUN = """
import gc, json, micropython, sys
sys.path.insert(0, {folder!r})
gc.collect(); before = gc.mem_alloc()
import {module} as m
gc.collect(); heap = gc.mem_alloc() - before
arena, out = bytearray(m.ARENA_BYTES), bytearray(m.OUTPUT_BYTES)
with open({folder!r} + "/samples", "rb") as file:
    samples = [file.read(m.INPUT_BYTES) for _ in range({count})]
def outputs():
    found = []
    for s in samples:
        m.run(s, out, arena); found.append(out.hex())
    return found
first = outputs()
errors = []
for wrong in {wrong}:
    try: m.run(*wrong); errors.append("")
    except Exception as e: errors.append(type(e).__name__ + ": " + str(e))
view = memoryview(samples[0])
def again():
    m.run(view, out, arena)
again()
micropython.heap_lock()
try:
    again(); again()
finally:
    micropython.heap_unlock()
for i in range(20):
    gc.collect(); rubbish = [bytearray(99) for _ in range(200)]
m.reset(arena)
print(json.dumps(dict(outputs=first, last=outputs(), errors=errors, heap=heap)))
"""


def source_of(compiled: Compiled) -> ViperSource:
    return viper_source(compiled.graph, compiled.layers, compiled.plan, compiled.model.info)


def in_micropython(
    source: ViperSource, samples: Sequence[bytes], folder: Path, wrong: str = "()", *, compiled: bool = True
) -> dict[str, object]:
    """What the module gives: from a .mpy file, or compiled by MicroPython itself."""
    name, data = ("_model.mpy", viper_mpy(source, MACHINE)) if compiled else ("_model.py", source.text.encode())
    (folder / name).write_bytes(data)
    (folder / "samples").write_bytes(b"".join(samples))
    script = RUN.format(folder=str(folder), module="_model", count=len(samples), wrong=wrong)
    return run(script, folder)


def run(script: str, folder: Path) -> dict[str, object]:
    """The object that the script prints."""
    (folder / "run.py").write_text(script)
    program = PROGRAM or find_program("micropython")
    done = subprocess.run(
        [program, "-X", "heapsize=32m", folder / "run.py"], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def runnable(case: Case) -> Graph | None:
    """The case's graph, None where the reference, tinygen or viper refuses it."""
    try:
        graph = import_tflite(case.model, "case")
        layers = lower(graph, frozenset())
        viper_source(graph, layers, spaced_plan(buffers_of(graph, layers, keep_input=True)), ModelInfo("case"))
    except BadInput as refusal:
        assert "\n" not in refusal.line
        return None
    return graph


def compare(cases: Sequence[Case], folder: Path) -> int:
    """Holds viper to the reference, all cases in one module; how many ran."""
    found: list[tuple[Case, Graph, list[Arrays]]] = []
    for case in cases:
        graph = runnable(case)
        expected = ORACLE.run(case.model, case.samples(), len(case.outputs)) if graph else None
        if graph and expected:
            found.append((case, graph, expected))
    graphs = [graph for _, graph, _ in found]
    merged = merge(graphs)
    layers = lower(merged, frozenset())
    plan = spaced_plan(buffers_of(merged, layers, keep_input=True))
    source = viper_source(merged, layers, plan, ModelInfo("model"))
    sent = [joined([case.samples() for case, _, _ in found], number) for number in range(ROUNDS)]
    answers = in_micropython(source, sent, folder)
    for key in ("outputs", "last"):
        data = b"".join(bytes.fromhex(text) for text in answers[key])  # type: ignore[attr-defined]
        for (case, _, expected), got in zip(found, split(graphs, data, ROUNDS)):
            hold(case, expected, got)
    return len(found)
