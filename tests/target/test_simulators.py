"""Every simulator computes the same bits, counts the same instructions, and reports what goes wrong in the firmware."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from toy_model import Render, toy_reference

from tinygen.boards import load_board
from tinygen.simulate.run import run_image
from tinygen.toolchain.build import build_host, build_image
from tinygen.toolchain.elf import linked_sizes

pytestmark = [pytest.mark.needs_cross]
SAMPLES = [np.random.default_rng(i).integers(-128, 128, 16, dtype="int8").tobytes() for i in range(4)]
MACHINES = (
    "qemu_microbit qemu_m0plus qemu_mps2_an385 qemu_mps2_an386 qemu_mps2_an500 qemu_mps2_an505 qemu_mps3_an547 "
    "qemu_riscv32"
).split()
OPAQUE = '{{ uintptr_t at = (uintptr_t){}; __asm__ volatile("" : "+r"(at)); {} }}'
OUTSIDE = OPAQUE.format("0xf0000000u", "*(volatile int8_t *)at = 1;")
PAST_RAM = OPAQUE.format("END_OF_RAM", "*(volatile int8_t *)at = 1;")
UNALIGNED = OPAQUE.format("toy_arena + 1", "toy_arena[0] = (int8_t)*(volatile uint32_t *)at;")
DEEP = (
    "int toy_deep(int n);\n"
    "int __attribute__((noinline)) toy_deep(int n) {\n"
    "    volatile int8_t big[64];\n"
    "    big[0] = (int8_t)n;\n"
    "    return n == 0 ? 0 : big[0] + toy_deep(n - 1) + big[0];\n"
    "}\n"
)
OVERFLOW = "{ extern int toy_deep(int n); toy_arena[0] = (int8_t)toy_deep(1 << 20); }"


@pytest.mark.needs_qemu
@pytest.mark.parametrize("name", MACHINES)
def test_simulators_agree_to_the_bit_and_to_the_instruction(name: str, toy_project: Render, tmp_path: Path) -> None:
    board = load_board(name)
    project = toy_project(board)
    image = build_image(project, board, tmp_path / "plain")
    traced = build_image(project, board, tmp_path / "traced", trace=True)
    expected = toy_reference(SAMPLES)
    kinds = [s.kind for s in board.simulators]
    assert kinds[0] == "qemu"
    counts, stacks = set(), set()
    for kind in kinds:
        run = run_image(image, board, SAMPLES, simulator=kind, timeout_s=60)
        assert run.fault is None
        assert list(run.outputs) == [layers[-1] for layers in expected]
        counts.add(run.instructions)
        stacks.add(run.stack_bytes)
        trace = run_image(traced, board, SAMPLES[:3], simulator=kind, trace=True, keep_data=True, timeout_s=60)
        assert [event.data for event in trace.layers] == expected[2]
        counted = run_image(traced, board, SAMPLES[:1], simulator=kind, trace=True, timeout_s=60).layers
        assert [event.data for event in counted] == [b""] * 3
        assert abs(sum(event.instructions or 0 for event in counted) - (run.instructions or 0)) < 20
    assert len(counts) == len(stacks) == 1, "QEMU's clock and unicorn's blocks count the same"
    assert 500 < counts.pop() < 10_000


@pytest.mark.needs_qemu
def test_the_counted_call_is_the_nominated_samples(toy_project: Render, tmp_path: Path) -> None:
    board = load_board("qemu_mps2_an386")
    image = build_image(
        toy_project(board, trouble='for (i = 0; i < toy_arena[15] + 200; i++) { __asm__ volatile("nop"); }'),
        board,
        tmp_path,
    )
    counts = [
        run_image(image, board, SAMPLES, simulator=s, count_sample=k).instructions
        for k in (0, 1, 3)
        for s in ("qemu", "unicorn")
    ]
    again = run_image(image, board, SAMPLES, simulator="qemu", count_sample=3)
    assert counts[0::2] == counts[1::2]
    assert len(set(counts)) > 1, "the loop's length depends on the layer's output"
    assert again.instructions == counts[-1]
    assert list(again.outputs) == [r[-1] for r in toy_reference(SAMPLES)], "counting leaves the state as it was"


@pytest.mark.needs_qemu
@pytest.mark.parametrize(
    ("name", "simulator", "trouble", "expected"),
    [
        ("qemu_mps2_an386", "qemu", OUTSIDE, "bus error"),
        ("qemu_mps2_an505", "qemu", OUTSIDE, "bus error"),
        ("qemu_riscv32", "qemu", OUTSIDE, "store access fault"),
        ("qemu_mps2_an386", "qemu", UNALIGNED, "unaligned access"),
        ("qemu_mps3_an547", "qemu", UNALIGNED, "unaligned access"),
        ("qemu_microbit", "qemu", UNALIGNED, "HardFault"),
        ("pico", "unicorn", UNALIGNED, "access fault"),
        ("qemu_mps2_an385", "qemu", OVERFLOW, "stack overflow"),
        ("qemu_mps2_an505", "qemu", OVERFLOW, "stack overflow"),
        ("qemu_mps3_an547", "qemu", OVERFLOW, "stack overflow"),
        ("qemu_microbit", "qemu", OVERFLOW, "stack overflow"),
        ("qemu_riscv32", "qemu", OVERFLOW, "stack overflow"),
        ("nucleo_f446re", "unicorn", OVERFLOW, "below sram"),
        ("esp32-c3-devkitm-1", "unicorn", OVERFLOW, "below dram"),
        ("nucleo_f446re", "unicorn", PAST_RAM, "0 bytes past the end of sram"),
        ("nucleo_f446re", "unicorn", OPAQUE.format("toy_info", "*(volatile int8_t *)at = 1;"), "in flash"),
        ("qemu_mps2_an386", "qemu", "return TG_ERROR;", "toy_invoke returned 1"),
    ],
)
def test_trouble_is_reported_where_it_happens(
    name: str, simulator: str, trouble: str, expected: str, toy_project: Render, tmp_path: Path
) -> None:
    board = load_board(name)
    end = board.ram.origin + board.ram.size
    project = toy_project(board, trouble=trouble.replace("END_OF_RAM", f"{end:#x}u"), edit=lambda code: code + DEEP)
    image = build_image(project, board, tmp_path, trace=True)
    fault = run_image(image, board, SAMPLES, simulator=simulator, trace=True, timeout_s=60).fault
    plain = run_image(build_image(project, board, tmp_path), board, SAMPLES, simulator=simulator, timeout_s=60).fault
    assert fault is not None and plain is not None
    assert expected in plain.what
    if "overflow" not in expected and "returned" not in expected:
        assert plain.where.startswith(("toy_invoke", "toy_deep"))


@pytest.mark.needs_qemu
@pytest.mark.parametrize(
    ("name", "simulator"), [("qemu_mps2_an386", "qemu"), ("qemu_riscv32", "qemu"), ("pico", "unicorn")]
)
def test_a_loop_without_end_is_ended_and_located(
    name: str, simulator: str, toy_project: Render, tmp_path: Path
) -> None:
    board = load_board(name)
    project = toy_project(board, trouble='for (;;) { __asm__ volatile(""); }')
    fault = run_image(build_image(project, board, tmp_path), board, SAMPLES, simulator=simulator, timeout_s=1.5).fault
    assert fault is not None
    assert "no end after 1.5 s" in fault.what
    assert fault.where.startswith("toy_invoke")


@pytest.mark.needs_cc
@pytest.mark.parametrize(
    ("trouble", "expected"),
    [
        (
            OPAQUE.format("toy_arena + sizeof toy_arena", "*(volatile int8_t *)at = 1;"),
            "AddressSanitizer: global-buffer-overflow",
        ),
        (UNALIGNED, "misaligned address"),
        (
            "{ volatile int32_t big = 2147483647; big = big + 1; }",
            "signed integer overflow",
        ),
        ('for (;;) { __asm__ volatile(""); }', "no end after 5 s"),
    ],
)
def test_the_sanitizers_speak_on_the_host(trouble: str, expected: str, toy_project: Render, tmp_path: Path) -> None:
    board = load_board("nucleo_f446re")
    image = build_host(toy_project(board, trouble=trouble), tmp_path, sanitize=True)
    run = run_image(image, board, SAMPLES, simulator="native", timeout_s=5)
    assert run.fault is not None
    assert expected in run.fault.what
    assert run.instructions is None and run.instructions_reason


@pytest.mark.needs_cc
def test_the_host_gives_the_same_bits(toy_project: Render, tmp_path: Path) -> None:
    board = load_board("esp32dev")
    image = build_host(toy_project(board), tmp_path, sanitize=True)
    run = run_image(image, board, SAMPLES, simulator="native")
    assert run.fault is None
    assert list(run.outputs) == [layers[-1] for layers in toy_reference(SAMPLES)]


@pytest.mark.parametrize("toolchain", ["gcc", "zig"])
@pytest.mark.parametrize("name", ["pico", "nucleo_f446re", "esp32-c3-devkitm-1"])
@pytest.mark.slow
def test_both_compilers_give_the_same_bits_and_sizes_add_up(
    name: str, toolchain: str, toy_project: Render, tmp_path: Path
) -> None:
    board = load_board(name)
    image = build_image(toy_project(board), board, tmp_path, toolchain)
    run = run_image(image, board, SAMPLES, simulator="unicorn")
    assert list(run.outputs) == [layers[-1] for layers in toy_reference(SAMPLES)]
    sizes = linked_sizes(image, run.stack_bytes)
    assert (sizes.arena_bytes, sizes.state_bytes, sizes.static_bytes) == (32, 4, 0)
    assert sizes.weights_bytes == 16 * 16 + 64 + 64 + 4
    assert sizes.weights_bytes + sizes.code_bytes + sizes.harness_bytes == sizes.flash_bytes
    assert sizes.ram_bytes == 36 + (run.stack_bytes or 0)
    assert 300 < sizes.code_bytes < 6000 and 800 < sizes.harness_bytes < 3000


def test_a_changed_weight_changes_bits(toy_project: Render, tmp_path: Path) -> None:
    board = load_board("pico")
    edit: Callable[[str], str] = lambda code: code.replace("{13}, {17}", "{13}, {18}")  # noqa: E731
    run = run_image(build_image(toy_project(board, edit=edit), board, tmp_path), board, SAMPLES, simulator="unicorn")
    assert run.fault is None
    assert list(run.outputs) != [layers[-1] for layers in toy_reference(SAMPLES)]
