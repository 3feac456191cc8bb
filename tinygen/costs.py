"""What firmware costs before any compiler has run: an inventory of the rendered C, priced by a table of measured sizes.

firmware/code_bytes.json holds, for each toolchain and core, the linked bytes and the stack of every kernel compiled
alone, the compiler's and C library's functions that each pulls in, and the price of the generated code;
bench/measure_code.py writes it. The price of a call in the invoke function is a fit that lies above all models it was
fitted on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from .resources import data_dir

#: Cores without a compiler here are priced as the largest of the measured ones.
_FALLBACK_CORES = ("cortex-m0plus", "cortex-m3", "cortex-m4f", "rv32imc")
#: Alignment between sections, and what the fit misses: this much and 1 % are added, so that planned is above linked.
_MARGIN_BYTES = 96
_STACK_MARGIN_BYTES = 48
#: What a reset takes, and a call of it for each variable; above what both toolchains make of it on any core.
_STATE_BASE_BYTES, _STATE_BYTES = 40, 24
_STATE_NEEDS = {"memcpy", "memset"}
#: What a checked build adds: its two functions, the calls of them after a layer, a row of a zone, and its only static.
_GUARD_BASE_BYTES, _GUARDED_LAYER_BYTES, _GUARD_BYTES, OVERRUN_BYTES = 460, 44, 8, 12


@dataclass(frozen=True)
class Inventory:
    """What a rendered model is made of: kernel functions, (arguments of each call), constant data, variables.

    `guards` are the zones of a checked build.
    """

    functions: tuple[str, ...]
    call_arguments: tuple[int, ...]
    data_bytes: int
    inputs: int
    outputs: int
    quantized_inputs: int
    quantized_outputs: int
    preprocessed: bool
    states: int = 0
    guards: int = 0


@dataclass(frozen=True)
class CodePrice:
    """Planned flash bytes of code, planned stack bytes of an inference, and the bytes of harness and start-up."""

    code_bytes: int
    stack_bytes: int
    harness_bytes: int


@cache
def _table() -> dict[str, Any]:
    path = data_dir("firmware") / "code_bytes.json"
    table: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return table


def price(inventory: Inventory, toolchain: str, core: str) -> CodePrice:
    """The planned cost for a core, by the figures of the toolchain ("gcc" or "zig") that would build it."""
    by_core = _table().get(toolchain) or _table()["gcc"]
    if core in by_core:
        return _price(inventory, by_core[core])
    prices = [_price(inventory, by_core[c]) for c in _FALLBACK_CORES]
    return CodePrice(
        max(p.code_bytes for p in prices), max(p.stack_bytes for p in prices), max(p.harness_bytes for p in prices)
    )


def _price(inventory: Inventory, table: dict[str, Any]) -> CodePrice:
    kernels = table["functions"]
    used = [kernels[name] for name in dict.fromkeys(inventory.functions)]
    api = table["api"]
    parts = [api["input"]] * inventory.inputs + [api["output"]] * inventory.outputs + [api["info"], api["reset"]]
    parts += [api["quantize_preprocess" if inventory.preprocessed else "quantize"]] * inventory.quantized_inputs
    parts += [api["dequantize"]] * inventory.quantized_outputs
    needs = {name for part in (*used, *parts) for name in part["needs"]}
    needs |= _STATE_NEEDS & table["support"].keys() if inventory.states else set()
    needs -= set(inventory.functions)
    invoke = table["invoke"]
    calls = invoke["base"] + sum(invoke["call"] + invoke["argument"] * n for n in inventory.call_arguments)
    code = sum(_round4(p["bytes"]) for p in (*used, *parts)) + sum(_round4(table["support"][n]) for n in needs)
    deepest = max((p["stack"] + _stack_of(table, p["needs"]) for p in used), default=0)
    code += _round4(round(calls)) + inventory.data_bytes
    code += _STATE_BASE_BYTES + _STATE_BYTES * inventory.states if inventory.states else 0
    code += _guards_price(inventory)
    return CodePrice(
        code_bytes=_round4(code + _MARGIN_BYTES + code // 100),
        stack_bytes=invoke["stack"] + deepest + _STACK_MARGIN_BYTES,
        harness_bytes=table["harness"],
    )


def _guards_price(inventory: Inventory) -> int:
    """Above what both toolchains make of it on any core; 0 in an ordinary build."""
    if not inventory.guards:
        return 0
    layers = _GUARDED_LAYER_BYTES * len(inventory.functions)
    return _GUARD_BASE_BYTES + layers + _GUARD_BYTES * inventory.guards + OVERRUN_BYTES


def _stack_of(table: dict[str, Any], needs: list[str]) -> int:
    """What lies below a function: a kernel that it calls, and the libraries' functions."""
    kernels = [int(table["functions"][name]["stack"]) for name in needs if name in table["functions"]]
    return max(kernels, default=0) + (int(table["support_stack"]) if needs else 0)


def _round4(n: int) -> int:
    return -(-n // 4) * 4
