"""The planner's prices: every kernel of firmware/ has one on every core, for both toolchains."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tinygen.costs import Inventory, price
from tinygen.ops import operators
from tinygen.ops._choice import DENSE_BYTES
from tinygen.resources import data_dir

TABLE = json.loads((data_dir("firmware") / "code_bytes.json").read_text("utf-8"))
CORES = (
    "cortex-m0", "cortex-m0plus", "cortex-m3", "cortex-m33", "cortex-m4f", "cortex-m55", "cortex-m7", "rv32imc",
)  # fmt: skip


def kernels() -> set[str]:
    found: set[str] = set()
    for header in (data_dir("firmware") / "kernels").glob("*.h"):
        text = header.read_text("utf-8")
        found |= set(re.findall(r"^TG_KERNEL \w+ \*?(\w+)\(", text, re.M))
        found |= set(re.findall(r"^TG_[A-Z_]+\((tg_\w+),", text, re.M))  # a macro that makes one of each type
    return found


@pytest.mark.parametrize("toolchain", ["gcc", "zig"])
@pytest.mark.parametrize("core", CORES)
def test_every_kernel_is_priced(toolchain: str, core: str) -> None:
    """A new kernel needs `python bench/measure_code.py MODELS_DIR`."""
    assert set(TABLE[toolchain][core]["functions"]) == kernels()
    for entry in TABLE[toolchain][core]["functions"].values():
        assert entry["bytes"] > 0 and set(entry["needs"]) <= set(TABLE[toolchain][core]["support"])


def stock(*functions: str) -> Inventory:
    return Inventory(functions, (4,) * len(functions), 100, 1, 1, 1, 1, False)


def test_a_kernel_counts_once_and_calls_count_each() -> None:
    once, twice = (price(stock(*["tg_add_s8"] * n), "gcc", "cortex-m4f") for n in (1, 2))
    own = TABLE["gcc"]["cortex-m4f"]["functions"]["tg_add_s8"]["bytes"]
    assert 0 < twice.code_bytes - once.code_bytes < own


@pytest.mark.parametrize("core", ["xtensa-lx6", "xtensa-lx7", "cortex-m4"])
def test_a_core_without_figures_is_priced_as_the_largest(core: str) -> None:
    there = [price(stock("tg_conv2d_s8"), "gcc", c) for c in ("cortex-m0plus", "cortex-m3", "cortex-m4f", "rv32imc")]
    assert price(stock("tg_conv2d_s8"), "gcc", core).code_bytes == max(p.code_bytes for p in there)


def test_what_compression_counts_with_is_measured() -> None:
    """The bytes that choose layers to be compressed: at least those of every core, a freed kernel's at most."""
    parts = dict(part for operator in operators().values() for kernel in operator.kernels for part in kernel.parts)
    tables = [TABLE[kind][core] for kind in ("gcc", "zig") for core in CORES]
    for name, most in parts.items():
        largest = max(_with_statics(table, name) for table in tables)
        assert most == 0 or largest <= most <= largest + 16, (name, largest)
    for name, least in DENSE_BYTES.items():
        assert least <= min(table["functions"][name]["bytes"] for table in tables)


def _with_statics(table: dict[str, Any], name: str) -> int:
    """Bytes of a kernel with what comes with it alone; kernels that it calls are counted apart.

    The arithmetic of a core without its own instructions is there for the requantization of every model.
    """
    entry, support = table["functions"][name], table["support"]
    statics = (n for n in entry["needs"] if n.startswith(("tg_", "mem")) and n not in table["functions"])
    return int(entry["bytes"]) + sum(int(support[n]) for n in statics)


def test_a_kernel_that_another_calls_counts_once_and_its_stack_too() -> None:
    table = TABLE["gcc"]["cortex-m4f"]["functions"]
    both = price(stock("tg_conv2d_sparse_s8", "tg_conv2d_s8"), "gcc", "cortex-m4f")
    packed = price(stock("tg_conv2d_sparse_s8"), "gcc", "cortex-m4f")
    dense = price(stock("tg_conv2d_s8"), "gcc", "cortex-m4f")
    assert both.code_bytes - packed.code_bytes < 100 < table["tg_conv2d_s8"]["bytes"]
    assert packed.stack_bytes - dense.stack_bytes >= table["tg_conv2d_sparse_s8"]["stack"]
