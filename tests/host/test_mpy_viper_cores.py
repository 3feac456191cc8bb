"""Viper kernels on cores of 32 bits: the reference's bits out of their machine code, and what it costs."""

from __future__ import annotations

import numpy as np
import pytest
from cases import ORACLE, ROUNDS, Case, generate, hold
from native import joined, merge, spaced_plan, split
from small_models import MODELS
from strategies import by_kind
from viper_machine import Kernels
from viper_runs import runnable

from tinygen.backends.aot import ModelInfo
from tinygen.boards import load_board
from tinygen.compiled import Model, compile_model
from tinygen.graph.ir import Graph
from tinygen.memory.lifetimes import buffers_of
from tinygen.micropython.loader import Module
from tinygen.micropython.module import module_source
from tinygen.micropython.native import build_native
from tinygen.micropython.viper import layer_calls, viper_source
from tinygen.micropython.viper_mpy import viper_mpy
from tinygen.micropython.viper_places import turn_of
from tinygen.ops.lowering import lower

pytestmark = [pytest.mark.needs_tflm, pytest.mark.needs_micropython]
KINDS = (
    "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD", "SUB", "MUL", "MAXIMUM", "MEAN", "AVERAGE_POOL_2D",
    "MAX_POOL_2D", "SOFTMAX", "PAD", "CONCATENATION", "STRIDED_SLICE", "RELU",
)  # fmt: skip

CORES = ("armv6m", "armv7m", "armv7emsp", "rv32imc")


@pytest.fixture(scope="module")
def cases() -> list[tuple[Case, Graph]]:
    generated = [case for kind in KINDS for strategy in by_kind()[kind] for case in generate(strategy, 6)]
    graphs = [(case, runnable(case)) for case in generated]
    return [(case, graph) for case, graph in graphs if graph and len(graph.states) == 0 and graph.inputs]


@pytest.mark.parametrize("architecture", CORES)
def test_generated_layers(architecture: str, cases: list[tuple[Case, Graph]]) -> None:
    merged = merge([graph for _, graph in cases])
    layers = lower(merged, frozenset())
    plan = spaced_plan(buffers_of(merged, layers, keep_input=True))
    source = viper_source(merged, layers, plan, ModelInfo("model"))
    kernels = Kernels(viper_mpy(source, architecture), source.text, architecture)
    arena = kernels.put(bytes(source.arena_bytes))
    calls = [call for _, several in layer_calls(merged, plan) for call in several]
    answers = b""
    for number in range(ROUNDS):
        sent = joined([case.samples() for case, _ in cases], number)
        for index in merged.inputs:
            tensor = merged.tensors[index]
            raw, sent = np.frombuffer(sent[: tensor.nbytes], np.uint8), sent[tensor.nbytes :]
            kernels.write(arena + plan.offset_of(index), (raw ^ turn_of(tensor)).tobytes())
        for call in calls:
            kernels.call(call, arena)
        for index in merged.outputs:
            tensor = merged.tensors[index]
            raw = np.frombuffer(kernels.read(arena + plan.offset_of(index), tensor.nbytes), np.uint8)
            answers += (raw ^ turn_of(tensor)).tobytes()
    assert len(cases) > 100 and kernels.instructions > 0
    for (case, _graph), got in zip(cases, split([graph for _, graph in cases], answers, ROUNDS)):
        expected = ORACLE.run(case.model, case.samples(), len(case.outputs))
        assert expected is not None
        hold(case, expected, got)


@pytest.mark.needs_cross_gcc
@pytest.mark.parametrize("architecture", CORES)
def test_it_takes_at_most_ten_times_the_instructions_of_native_code(architecture: str) -> None:
    compiled = compile_model(Model("conv", MODELS["conv"]().tflite), load_board("pico"))
    source = viper_source(compiled.graph, compiled.layers, compiled.plan, compiled.model.info)
    kernels = Kernels(viper_mpy(source, architecture), source.text, architecture)
    arena = kernels.put(bytes(source.arena_bytes))
    for _, calls in layer_calls(compiled.graph, compiled.plan):
        for call in calls:
            kernels.call(call, arena)
    same = module_source(compiled.graph, compiled.layers, compiled.plan, compiled.model.info)
    native = Module(build_native(same, architecture).data)
    native.run(bytes(source.input_bytes), native.allocate(source.arena_bytes), source.output_bytes)
    assert native.instructions < kernels.instructions <= 10 * native.instructions
