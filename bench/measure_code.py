"""Measures kernels and generated code on every core and writes firmware/code_bytes.json, the planner's prices.

Usage: python bench/measure_code.py MODELS_DIR [HEADER.h ...]
Takes a few minutes and needs the cross compilers of gcc and zig; with headers, only their kernels are measured anew
(name the header of a kernel that they include as well).

1. Every kernel function is compiled as the firmware is, and linked alone: its own bytes, and the functions of the
   compiler's library and of mem*.c that come with it.
2. The models of MODELS_DIR (.tflite) are rendered and compiled: bytes of each API function, and of the invoke
   functions, to which base + Σ (call + argument · n) is fitted by least squares and raised until none lies above.
3. Stack is what -fstack-usage says of each function and of the deepest that its header keeps for it, or, where that is
   more, of the deepest chain of calls at -Os, which inlines less; plus a fixed share for library functions.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from elftools.elf.elffile import ELFFile

from tinygen.backends import aot
from tinygen.backends.aot_inventory import inventory
from tinygen.backends.sim_support import sim_files
from tinygen.boards import BoardProfile, load_board
from tinygen.compiled import Model, compile_model
from tinygen.errors import MissingTool, TinygenError
from tinygen.processes import run
from tinygen.project import Preprocess
from tinygen.resources import data_dir
from tinygen.toolchain.build import OPTIMIZE_FLAGS, SECTION_FLAGS, TARGET_FLAGS, environment
from tinygen.toolchain.compilers import WARNINGS, Toolchain, find_toolchain

BOARDS = (
    "qemu_microbit", "qemu_m0plus", "qemu_mps2_an385", "qemu_mps2_an386", "qemu_mps2_an500", "qemu_mps2_an505",
    "qemu_mps3_an547", "qemu_riscv32",
)  # fmt: skip
SUPPORT_STACK = 48
ZIG_STACK_MARGIN = 40
API = ("input", "output", "info", "reset", "quantize", "dequantize")


class Bench:
    """One toolchain on one core, in a folder of its own."""

    def __init__(self, tools: Toolchain, board: BoardProfile, folder: Path) -> None:
        self.tools, self.board, self.folder = tools, board, folder
        for name, text in sim_files(board, "m").items():
            (folder / name).write_text(text)
        for room in ("kernels", "runtime"):
            for header in (data_dir("firmware") / room).glob("*.h"):
                (folder / header.name).write_text(header.read_text())
        self.memory = self.compile(folder / "mem.c", ("-fno-builtin",))

    def compile(self, source: Path, more: tuple[str, ...] = ()) -> Path:
        target = source.with_suffix(".o")
        flags = [
            *self.tools.target_flags,
            *WARNINGS,
            OPTIMIZE_FLAGS["balanced"],
            *TARGET_FLAGS,
            *SECTION_FLAGS,
            "-fstack-usage",
            *more,
        ]
        self._run([*self.tools.command, *flags, "-I", str(self.folder), "-c", str(source), "-o", str(target)])
        return target

    def link(self, objects: list[Path], roots: list[str]) -> dict[str, int]:
        """Bytes in flash by symbol, of what `roots` reach: each symbol's share runs to the next symbol."""
        elf = self.folder / "out.elf"
        keep = [f"-Wl,-u,{root}" for root in roots]
        flags = ["-nostdlib", "-static", "-Wl,--gc-sections", f"-Wl,-T,{self.folder / 'link.ld'}", f"-Wl,-e,{roots[0]}"]
        command = [*self.tools.command, *self.tools.target_flags, *flags, *keep, *map(str, objects), str(self.memory)]
        self._run([*command, "-o", str(elf), *self.tools.libraries])
        return flash_symbols(elf)

    def _run(self, command: list[str]) -> None:
        done = run(command, timeout_s=300, env=environment())
        if done.code != 0:
            raise TinygenError(f"{' '.join(command[:3])} … failed: {done.stderr[:2000]}")


def roomy(board: BoardProfile) -> BoardProfile:
    """The board with memories that hold every model: only the core matters here."""
    regions = tuple(r.model_copy(update={"size": 8 << 20}) for r in board.regions if r in (board.flash, board.ram))
    return board.model_copy(update={"regions": regions})


def flash_symbols(elf: Path) -> dict[str, int]:
    """Bytes of each symbol of the read-only sections; up to the next one where it states no size."""
    sizes: dict[str, int] = {}
    with elf.open("rb") as stream:
        file = ELFFile(stream)
        symbols = [
            s for s in file.get_section_by_name(".symtab").iter_symbols() if s.name and not s.name.startswith("$")
        ]
        for index, section in enumerate(file.iter_sections()):
            if not section["sh_flags"] & 2 or section["sh_flags"] & 1 or section["sh_type"] == "SHT_NOBITS":
                continue
            here = [s for s in symbols if s["st_shndx"] == index and s["st_info"]["type"] in ("STT_FUNC", "STT_OBJECT")]
            inside = {s["st_value"] & ~1: s for s in here}
            places = sorted(inside)
            if not places:
                continue
            for place, after in zip(places, [*places[1:], section["sh_addr"] + section["sh_size"]], strict=True):
                sizes[inside[place].name] = inside[place]["st_size"] or after - place
    return sizes


def weak_functions(made: Path) -> list[str]:
    """The kernels that an object file defines: they are its weak functions."""
    with made.open("rb") as stream:
        symbols = ELFFile(stream).get_section_by_name(".symtab").iter_symbols()
        found = [s.name for s in symbols if s["st_info"] == {"type": "STT_FUNC", "bind": "STB_WEAK"}]
    return sorted(n for n in found if n.startswith("tg_"))


def stack_usage(source: Path) -> dict[str, int]:
    """Stack bytes by function of the -fstack-usage file beside an object."""
    found = source.with_suffix(".su")
    lines = found.read_text().splitlines() if found.is_file() else []
    return {line.split("\t")[0].split(":")[-1]: int(line.split("\t")[1]) for line in lines}


def chain_usage(bench: Bench, source: Path, kernels: list[str]) -> dict[str, int]:
    """Stack bytes of the deepest chain of calls of each kernel at -Os, other kernels not counted."""
    small = source.with_name(f"small_{source.name}")
    small.write_text(source.read_text())
    bench.compile(small, ("-Os", "-fcallgraph-info=su"))
    text = small.with_suffix(".ci").read_text()
    own = {
        name: int(size) for name, size in re.findall(r'title: "(?:[^":]+:)?([^":]+)" label: "[^"]*?(\d+) bytes', text)
    }
    below: dict[str, list[str]] = {}
    for caller, callee in re.findall(r'sourcename: "(?:[^":]+:)?([^":]+)" targetname: "(?:[^":]+:)?([^":]+)"', text):
        below.setdefault(caller, []).append(callee)

    def depth(name: str) -> int:
        return own.get(name, 0) + max((depth(n) for n in below.get(name, []) if n not in kernels), default=0)

    return {name: depth(name) for name in kernels}


def kernel_prices(bench: Bench, only: frozenset[str] = frozenset()) -> tuple[dict[str, Any], dict[str, int]]:
    functions: dict[str, Any] = {}
    support: dict[str, int] = {}
    for header in sorted((data_dir("firmware") / "kernels").glob("*.h")):
        if only and header.name not in only:
            continue
        source = bench.folder / f"k_{header.stem}.c"
        source.write_text(f'#include "{header.name}"\n')
        made = bench.compile(source)
        names = weak_functions(made)
        stacks = stack_usage(source)
        chains = chain_usage(bench, source, names) if bench.tools.kind == "gcc" else {}
        for name in (n for n in names if n not in functions):  # else of a header that this one includes
            symbols = bench.link([made], [name])
            own = symbols.pop(name)
            below = max((stacks.get(symbol, 0) for symbol in symbols if symbol not in names), default=0)
            stack = max(stacks.get(name, 0) + below, chains.get(name, 0))
            functions[name] = {"bytes": own, "stack": stack, "needs": sorted(symbols)}
            support.update(symbols)
    return functions, support


def model_prices(
    bench: Bench, models: list[Path], kernels: set[str]
) -> tuple[dict[str, Any], dict[str, Any], dict[str, int]]:
    rows, invokes, stacks = [], [], []
    api: dict[str, Any] = {name: {"bytes": 0, "stack": 0, "needs": []} for name in (*API, "quantize_preprocess")}
    support: dict[str, int] = {}
    for path in models:
        for preprocess in (None, Preprocess(mean=(1.0,), std=(2.0,))):
            model = Model("m", path.read_bytes(), preprocess=preprocess)
            compiled = compile_model(model, bench.board)
            folder = bench.folder / f"{path.stem}{'_p' if preprocess else ''}"
            folder.mkdir()
            for name, text in aot.render_aot(compiled.graph, compiled.layers, compiled.plan, "", model.info).items():
                (folder / name).write_text(text)
            objects = [bench.compile(folder / name) for name in ("m.c", "m_weights.c")]
            for function in API:
                symbols = bench.link(objects, [f"m_{function}"])
                own = symbols.pop(f"m_{function}")
                needs = {n: size for n, size in symbols.items() if n not in kernels and not _is_data(n)}
                entry = api["quantize_preprocess" if preprocess and function == "quantize" else function]
                entry["bytes"] = max(entry["bytes"], own)
                entry["needs"] = sorted({*entry["needs"], *needs})
                support.update(needs)
            if preprocess is None:
                stock = inventory(compiled.graph, compiled.layers, model.info)
                rows.append([1, len(stock.call_arguments), sum(stock.call_arguments)])
                invokes.append(bench.link(objects, ["m_invoke"])["m_invoke"])
                stacks.append(stack_usage(folder / "m.c").get("m_invoke", 0))
    fit = np.maximum(np.linalg.lstsq(np.array(rows, float), np.array(invokes, float), rcond=None)[0], 0)
    above = max(0.0, float(np.max(np.array(invokes) - np.array(rows) @ fit)))
    invoke = {
        "base": round(float(fit[0]) + above, 1),
        "call": round(float(fit[1]), 2),
        "argument": round(float(fit[2]), 2),
        "stack": max(stacks),
    }
    return invoke, api, support


def _is_data(name: str) -> bool:
    return name.startswith(("m_", "inputs", "outputs", "input_", "output_", "info", "labels", ".L", "input", "output"))


def measure(kind: str, board: BoardProfile, models: list[Path]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="tinygen-") as folder:
        bench = Bench(find_toolchain(board.core, kind), board, Path(folder))
        functions, support = kernel_prices(bench)
        invoke, api, more = model_prices(bench, models, set(functions))
        support.update(more)
        harness = harness_bytes(bench, min(models, key=lambda path: path.stat().st_size))
    return {
        "functions": functions,
        "support": dict(sorted(support.items())),
        "support_stack": SUPPORT_STACK,
        "invoke": invoke,
        "api": api,
        "harness": harness,
    }


def renewed(kind: str, board: BoardProfile, table: dict[str, Any], only: frozenset[str]) -> dict[str, Any]:
    """The table with the kernels of some headers measured anew."""
    with tempfile.TemporaryDirectory(prefix="tinygen-") as folder:
        functions, support = kernel_prices(Bench(find_toolchain(board.core, kind), board, Path(folder)), only)
    return table | {
        "functions": dict(sorted((table["functions"] | functions).items())),
        "support": dict(sorted((table["support"] | support).items())),
    }


def borrow_stacks(zig: dict[str, Any], gcc: dict[str, Any]) -> None:
    """zig writes no -fstack-usage file: gcc's figures with a margin stand in."""
    for name, entry in zig["functions"].items():
        entry["stack"] = gcc["functions"][name]["stack"] + ZIG_STACK_MARGIN
    zig["invoke"]["stack"] = gcc["invoke"]["stack"] + ZIG_STACK_MARGIN


def harness_bytes(bench: Bench, path: Path) -> int:
    """Start-up and simulation harness: what the whole program has beyond the model."""
    from tinygen.pipeline import render_project
    from tinygen.toolchain.build import build_image
    from tinygen.toolchain.elf import linked_sizes
    from tinygen.writing import write_project

    with tempfile.TemporaryDirectory(prefix="tinygen-") as folder:
        project = Path(folder) / "p"
        files, manifest = render_project(Model("m", path.read_bytes()), bench.board.name)
        write_project(files, manifest, project)
        image = build_image(project, bench.board, Path(folder) / "w", toolchain=bench.tools.kind)
        return linked_sizes(image).harness_bytes + 16


def main() -> None:
    models = sorted(Path(sys.argv[1]).glob("*.tflite"))
    only = frozenset(sys.argv[2:])
    path = data_dir("firmware") / "code_bytes.json"
    table: dict[str, Any] = json.loads(path.read_text()) if only else {}
    for kind in ("gcc", "zig"):
        for name in BOARDS:
            board = roomy(load_board(name))
            try:
                if only:
                    table[kind][board.core] = renewed(kind, board, table[kind][board.core], only)
                else:
                    table.setdefault(kind, {})[board.core] = measure(kind, board, models)
            except MissingTool as error:
                sys.exit(error.line)
            if kind == "zig":
                borrow_stacks(table["zig"][board.core], table["gcc"][board.core])
            print(kind, board.core, table[kind][board.core]["invoke"], flush=True)
    path.write_text(json.dumps(table, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
