"""A project's proof: equal outputs are equal, one changed byte is found and named, a fault is told with its layer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_models import conv
from toy_model import Render, toy_reference

from tinygen import proof
from tinygen.boards import load_board
from tinygen.errors import BadInput, MissingTool, OutputsDiffer, OverBudget
from tinygen.pipeline import generate
from tinygen.simulate.reference import Reference

KEYS = (
    "schema board simulator reference samples mismatched_samples max_abs_difference first_mismatch "
    "instructions_per_inference layers flash_bytes weights_bytes code_bytes ram_bytes arena_bytes state_bytes "
    "stack_bytes compiler compiler_version flags optimize runs metric"
).split()


@pytest.fixture(autouse=True)
def numpy_as_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    def reference(
        model: Path, samples: Sequence[bytes], *, tensors: Sequence[int] = (), timeout_s: float = 0
    ) -> Reference:
        results = toy_reference(list(samples))
        layers: dict[int, Any] = {i + 1: np.frombuffer(data, np.int8) for i, data in enumerate(results[-1])}
        return Reference("numpy", np.__version__, True, tuple(r[-1] for r in results), {t: layers[t] for t in tensors})

    monkeypatch.setattr(proof, "reference", reference)


@pytest.mark.needs_cross
@pytest.mark.needs_qemu
@pytest.mark.parametrize("board", ["qemu_mps2_an386", "qemu_riscv32", "pico"])
def test_equal_outputs_and_every_key(board: str, toy_project: Render) -> None:
    report = proof.simulate_project(toy_project(load_board(board)), samples=3)
    plain = report.json()
    assert json.loads(json.dumps(plain)) == plain
    assert set(KEYS) <= set(plain)
    assert (report.samples, report.mismatched_samples, report.max_abs_difference) == (3, 0, 0)
    assert report.first_mismatch is None
    assert [layer["name"] for layer in plain["layers"]] == ["first", "second", "sum"]
    counted = sum(layer["instructions"] for layer in plain["layers"])
    assert abs(counted - plain["instructions_per_inference"]) < 20
    parts = plain["weights_bytes"] + plain["code_bytes"] + plain["harness_bytes"]
    assert parts == plain["flash_bytes"]
    assert plain["ram_bytes"] == 32 + 4 + plain["stack_bytes"]
    assert [run["input"] for run in plain["runs"]] == ["ramp", "random 1", "random 2"]


@pytest.mark.needs_cross
@pytest.mark.needs_qemu
@pytest.mark.parametrize(
    ("old", "new", "layer"),
    [
        ("{13}, {17}", "{13}, {18}", "first"),
        ("{-1, 3, -5, 7}", "{-1, 3, -5, 6}", "second"),
        ("0x12345678", "(0x12345678 + (n_out == 4) * 99999999)", "second"),
        ("toy_state_sum[i] + toy_arena[i]", "toy_state_sum[i] - toy_arena[i]", "sum"),
    ],
)
def test_one_change_is_found_in_its_layer(old: str, new: str, layer: str, toy_project: Render) -> None:
    def edit(code: str) -> str:
        assert old in code
        return code.replace(old, new)

    report = proof.simulate_project(toy_project(load_board("qemu_mps2_an386"), edit=edit))
    first = report.json()["first_mismatch"]
    assert report.mismatched_samples and report.max_abs_difference
    assert first["layer"] == layer
    assert first["expected"] != first["got"]
    if layer == "first":
        assert first["index"] == 7, "the row of the changed weight"


@pytest.mark.needs_cc
def test_a_difference_is_found_on_the_host_too(toy_project: Render) -> None:
    project = toy_project(load_board("esp32dev"), edit=lambda code: code.replace("{13}, {17}", "{13}, {18}"))
    report = proof.simulate_project(project, sanitize=True)
    assert report.simulator == "native"
    assert report.first_mismatch is not None and report.first_mismatch.layer == "first"
    plain = report.json()
    for key in ("instructions_per_inference", "stack_bytes", "flash_bytes", "ram_bytes"):
        assert plain[key] is None and plain["reasons"][key]


@pytest.mark.needs_cross
@pytest.mark.needs_qemu
@pytest.mark.parametrize(
    ("board", "trouble", "timeout_s", "expected"),
    [
        ("qemu_mps2_an386", "*(volatile int8_t *)(uintptr_t)0xf0000000u = 1;", 60.0, "in toy_invoke"),
        (
            "pico",
            "*(volatile int8_t *)(uintptr_t)0xf0000000u = 1;",
            60.0,
            "outside of the board's memory in toy_invoke",
        ),
        ("qemu_mps2_an386", 'for (;;) { __asm__ volatile(""); }', 2.0, "no end after 2 s in toy_invoke"),
    ],
)
def test_a_fault_names_function_and_layer(
    board: str, trouble: str, timeout_s: float, expected: str, toy_project: Render
) -> None:
    with pytest.raises(OutputsDiffer) as caught:
        proof.simulate_project(toy_project(load_board(board), trouble=trouble), timeout_s=timeout_s)
    assert expected in caught.value.what
    assert "in layer second (FULLY_CONNECTED)" in caught.value.what


@pytest.mark.needs_cc
def test_a_view_is_never_where_a_program_faulted(tmp_path: Path) -> None:
    """It runs no code, so no hook tells that it ran."""
    generate(conv(), "pico", tmp_path / "p")
    source = tmp_path / "p" / "lib" / "conv" / "src" / "conv.c"
    code = source.read_text()
    assert code.count("    tg_softmax_s8(") == 1
    source.write_text(code.replace("    tg_softmax_s8(", "    __builtin_trap();\n    tg_softmax_s8("))
    with pytest.raises(OutputsDiffer, match=r"in layer net_6 \(SOFTMAX\)"):
        proof.simulate_project(tmp_path / "p", on="native", compare=False)


@pytest.mark.needs_cross
def test_without_comparison_nothing_is_claimed(toy_project: Render) -> None:
    report = proof.simulate_project(toy_project(load_board("pico")), samples=1, compare=False)
    assert report.json()["reference"] is None
    assert report.mismatched_samples is None
    assert report.instructions_per_inference and report.stack_bytes


@pytest.mark.needs_cross
def test_what_does_not_fit_is_over_budget(toy_project: Render) -> None:
    project = toy_project(
        load_board("bluepill_f103c8"), edit=lambda code: code.replace("toy_arena[IN + MID]", "toy_arena[30000]")
    )
    with pytest.raises(OverBudget, match=r"RAM over by \d+ bytes, bluepill_f103c8 has 20480"):
        proof.simulate_project(project)


@pytest.mark.needs_cc
def test_bad_requests(toy_project: Render, monkeypatch: pytest.MonkeyPatch) -> None:
    project = toy_project(load_board("pico"))
    with pytest.raises(BadInput, match=r"pico has no simulator 'qemu', only unicorn, native"):
        proof.simulate_project(project, on="qemu")
    with pytest.raises(BadInput, match="sample 1: 15 bytes, the model's inputs take 16"):
        proof.simulate_project(project, data=[b"x" * 16, b"x" * 15])
    with pytest.raises(BadInput, match="at least one"):
        proof.simulate_project(project, data=[])
    with pytest.raises(BadInput, match="host"):
        proof.simulate_project(project, sanitize=True)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingTool, match=r"No gcc compiler for cortex-m0plus .*gcc-arm-none-eabi"):
        proof.simulate_project(project, toolchain="gcc")


@pytest.mark.needs_cross
def test_a_layer_that_later_layers_hide_is_found(toy_project: Render) -> None:
    hook = "TG_ON_LAYER(0, toy_arena + IN, MID);"
    flip = "toy_arena[IN + 5] = (int8_t)(toy_arena[IN + 5] ^ 1);"
    project = toy_project(load_board("pico"), edit=lambda code: code.replace(hook, f"{flip} {hook} {flip}"))
    report = proof.simulate_project(project)
    assert report.mismatched_samples == 1 and report.max_abs_difference == 0
    assert report.first_mismatch is not None
    assert (report.first_mismatch.layer, report.first_mismatch.index) == ("first", 5)
