"""Imports point one way: cli → pipeline → stages → ops, boards → graph → errors; nothing heavy at import time."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import tinygen

PACKAGE = Path(tinygen.__file__).resolve().parent
STAGES = frozenset(
    "frontend compress passes memory backends toolchain simulate budget report device".split(),
)
#: What each room may reach, directly or through modules that are no room of their own (types, data files, processes).
MAY_REACH: dict[str, frozenset[str]] = {
    "errors": frozenset(),
    "graph": frozenset({"errors"}),
    "boards": frozenset({"errors"}),
    "ops": frozenset({"graph", "boards", "errors"}),
    **{stage: frozenset({"ops", "boards", "graph", "errors"}) for stage in STAGES},
    "pipeline": STAGES | {"ops", "boards", "graph", "errors"},
}
#: The command line's own rooms: nothing below may reach them.
TOP = frozenset({"cli", "commands", "docs", "__main__"})
HEAVY = (
    "tensorflow keras tf_keras tensorflow_model_optimization ai_edge_litert tflite_micro sklearn scipy h5py aeon "
    "unicorn labwired ziglang platformio SCons serial optuna"
).split()

#: module name (dotted, with the package's) → the modules of the package that it names
Edges = dict[str, set[str]]


def module_name(path: Path, package: Path) -> str:
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def names_in(tree: ast.AST, module: str, is_package: bool, root: str) -> Iterator[str]:
    """Every dotted name that an import anywhere in the module refers to, or a string that names a worker's job."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                above = parts[: len(parts) - node.level + is_package]
                base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and re.fullmatch(rf"{root}(\.\w+)+(:\w+)?", str(node.value)):
            yield str(node.value).partition(":")[0]


def read_edges(package: Path) -> Edges:
    """Who names whom. The package's own `__init__` is left out: the public face, whose verbs reach everything."""
    paths = {module_name(path, package): path for path in package.rglob("*.py") if "_data" not in path.parts}
    edges: Edges = {}
    for module, path in paths.items():
        if module == package.name:
            continue
        found = edges.setdefault(module, set())
        for name in names_in(ast.parse(path.read_text("utf-8")), module, path.name == "__init__.py", package.name):
            while name and name not in paths:
                name = name.rpartition(".")[0]
            if name and name not in (package.name, module):
                found.add(name)
    return edges


def room(module: str) -> str:
    return module.split(".")[1]


def violations(edges: Edges) -> list[str]:
    """One line for each path of imports that leads from a room to a room that it may not reach."""
    found: dict[tuple[str, str], str] = {}
    for start in edges:
        here = room(start)
        allowed = MAY_REACH.get(here)
        todo = [(start,)]
        seen = {start}
        while todo:
            path = todo.pop()
            for name in sorted(edges.get(path[-1], ())):
                there = room(name)
                if there == here:
                    continue
                bad = (there in TOP and here not in TOP) or (
                    allowed is not None and there in MAY_REACH and there not in allowed
                )
                if bad:
                    found.setdefault((here, there), " → ".join([*path, name]))
                elif name not in seen and there not in MAY_REACH and there not in TOP:
                    todo.append((*path, name))
                seen.add(name)
    return sorted(found.values())


def test_imports_point_one_way() -> None:
    edges = read_edges(PACKAGE)
    assert {"tinygen.errors", "tinygen.graph.ir", "tinygen.ops.conv2d", "tinygen.backends.aot"} <= set(edges)
    assert "tinygen.graph.ir" in edges["tinygen.ops.conv2d"] | edges["tinygen.memory.planner"]
    assert violations(edges) == []


@pytest.mark.parametrize(
    ("files", "path"),
    [
        ({"memory/plan.py": "from ..backends import aot"}, "memory.plan → tinygen.backends.aot"),
        ({"memory/plan.py": "def f():\n    from tinygen.backends.aot import x"}, "memory.plan → tinygen.backends.aot"),
        ({"memory/plan.py": "import tinygen.backends.aot"}, "memory.plan → tinygen.backends.aot"),
        ({"memory/plan.py": "JOB = 'tinygen.backends.aot:job'"}, "memory.plan → tinygen.backends.aot"),
        ({"memory/__init__.py": "from ..backends import aot"}, "memory → tinygen.backends.aot"),
        (
            {"memory/plan.py": "from ..files import f", "files.py": "from .backends import aot"},
            "memory.plan → tinygen.files → tinygen.backends.aot",
        ),
        ({"graph/ir.py": "from .. import ops"}, "graph.ir → tinygen.ops"),
        ({"errors.py": "from .graph import ir"}, "errors → tinygen.graph"),
        ({"pipeline.py": "from .cli import app"}, "pipeline → tinygen.cli"),
        ({"types.py": "from .commands import run"}, "types → tinygen.commands"),
    ],
)
def test_a_wrong_import_is_found(tmp_path: Path, files: dict[str, str], path: str) -> None:
    rooms = "memory graph ops backends commands".split()
    empty = ["__init__", *(f"{name}/__init__" for name in rooms), "backends/aot", "cli"]
    package = tmp_path / "tinygen"
    for name, text in {**{f"{name}.py": "" for name in empty}, **files}.items():
        file = package / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (package / "pipeline.py").touch()
    assert violations(read_edges(package)) == [f"tinygen.{path}"]


def test_no_module_imports_anything_heavy() -> None:
    program = (
        "import importlib, json, pkgutil, sys, tinygen\n"
        "names = [m.name for m in pkgutil.walk_packages(tinygen.__path__, 'tinygen.')]\n"
        "names = [name for name in names if not name.endswith('__main__')]\n"
        "for name in names: importlib.import_module(name)\n"
        "json.dump([names, sorted(sys.modules)], sys.stdout)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, cwd=PACKAGE.parent
    )
    assert done.returncode == 0, done.stderr
    names, loaded = json.loads(done.stdout)
    assert len(names) > 30
    assert "numpy" in loaded, "the list of loaded modules means something"
    assert not set(HEAVY).intersection(name.partition(".")[0] for name in loaded)
