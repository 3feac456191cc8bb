"""Every operator on every simulated core: a sample of its generated cases computes the reference's bits there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import native
import numpy as np
import pytest
from cases import hold
from core_sample import CORES, Entry, called, kernels_of, programs, sample, write_project

from tinygen.boards import load_board
from tinygen.graph.builtin import BUILTIN_NAMES
from tinygen.ops import operators
from tinygen.simulate.run import run_image
from tinygen.toolchain.build import build_image

pytestmark = [pytest.mark.needs_cross, pytest.mark.needs_qemu, pytest.mark.needs_tflm, pytest.mark.slow]


def run_on(name: str, entries: Sequence[Entry], folder: Path, simulators: Sequence[str], toolchain: str) -> None:
    """Builds the entries for a board and holds what each simulator computes to the reference."""
    board = load_board(name)
    for number, program in enumerate(programs(entries, board)):
        project = write_project(program, board, folder / str(number))
        image = build_image(project, board, folder / f"build{number}", toolchain)
        rounds = len(program[0].expected)
        samples = [native.joined([e.case.samples() for e in program], r) for r in range(rounds)]
        for simulator in simulators:
            run = run_image(image, board, samples, simulator=simulator, count_sample=None, timeout_s=120)
            assert run.fault is None, run.fault
            results = native.split([e.graph for e in program], b"".join(run.outputs), rounds)
            for entry, got in zip(program, results, strict=True):
                hold(entry.case, entry.expected, got)


def test_no_operator_is_left_out() -> None:
    """A file of tests/ops registers cases of each: @cases_of("KIND") above a strategy.

    Operators without kernels are gone before anything runs (handles, and what is made a table); no file has a table.
    """
    run = {kind for kind, operator in operators().items() if operator.kernels and kind in BUILTIN_NAMES}
    assert {op.kind for entry in sample() for op in entry.graph.ops} >= run


def test_no_function_of_a_kernel_is_left_out() -> None:
    functions = {name for kind in operators() for name in kernels_of(kind)}
    assert functions == {name for entry in sample() for name in called(entry.graph)}


@pytest.mark.parametrize("name", CORES)
def test_operators_with_gcc(name: str, tmp_path: Path) -> None:
    run_on(name, sample(), tmp_path, ["qemu"], "gcc")


@pytest.mark.parametrize("name", ["qemu_m0plus", "qemu_riscv32"])
def test_operators_with_clang(name: str, tmp_path: Path) -> None:
    first = {entry.kind: entry for entry in reversed(sample())}
    run_on(name, list(first.values()), tmp_path, ["qemu", "unicorn"], "zig")


def test_one_other_bit_is_found_and_its_case_named(tmp_path: Path) -> None:
    entries = [e for e in sample() if e.kind in ("ABS", "SOFTMAX")]
    last = entries[-1]
    wrong = [[np.bitwise_xor(y, np.int8(y is outputs[-1])) for y in outputs] for outputs in last.expected]
    with pytest.raises(AssertionError, match=r"sample 0: .* differ, first at 0: reference -?\d+, ours .*\n.*SOFTMAX"):
        run_on("qemu_mps2_an386", [*entries[:-1], replace(last, expected=wrong)], tmp_path, ["qemu"], "gcc")
