"""Every kind of project of every board and runtime: all its C and C++ compiles for the board's core, and would link."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from project_compile import Compilations, Part, faults, parts_of
from ring_model import ring
from small_models import conv, dense

from tinygen.backends.platformio import framework_of
from tinygen.boards import BoardProfile, board_names, load_board
from tinygen.compiled import Model
from tinygen.errors import BadInput
from tinygen.pipeline import render_project
from tinygen.project import KINDS, Kind

pytestmark = pytest.mark.needs_cross_gcc

FOLDERS = {"platformio": "src", "espidf": "main", "cmake": "src"}
#: A board of each family for what need not be tried on all.
FAMILIES = (
    "nucleo_f446re",
    "nano33ble",
    "pico",
    "esp32dev",
    "esp32-s3-devkitc-1",
    "esp32-c3-devkitm-1",
    "qemu_riscv32",
)


@pytest.fixture(scope="module")
def compilations(tmp_path_factory: pytest.TempPathFactory) -> Compilations:
    return Compilations(tmp_path_factory.mktemp("objects"))


def possible(board: BoardProfile) -> Iterator[tuple[Kind, str]]:
    """The kinds and runtimes that a board can have, said again here: what is refused is tested too."""
    pio = board.platformio
    arduino = pio is not None and "arduino" in pio.frameworks
    esp = board.mcu.startswith("esp32")
    for runtime in ("aot", "tflm"):
        if runtime == "aot" or pio is not None:
            yield "platformio", runtime
        if esp:
            yield "espidf", runtime
        if arduino:
            yield "arduino", runtime
    yield "cmake", "aot"


def application(kind: Kind, runtime: str, board: BoardProfile, name: str) -> tuple[str, str]:
    """(the framework whose declarations the application needs, its folder), both empty where there is none."""
    if kind == "arduino":
        return "arduino", f"lib/{name}/examples/{name}"
    if kind == "platformio":
        framework = framework_of(board, runtime)
        return framework, "src" if framework else ""
    return {"espidf": "espidf", "cmake": "stdio"}[kind], FOLDERS[kind]


def check(compilations: Compilations, model: Model, name: str, kind: Kind, runtime: str, **more: Any) -> None:
    """Renders and compiles one project: sources, its main file in C++ too, the model's header in C and C++."""
    board = load_board(name)
    files, _ = render_project(model, name, project=kind, runtime=runtime, **more)  # type: ignore[arg-type]
    framework, folder = application(kind, runtime, board, model.name)
    parts = parts_of(files, model.name, board, framework, folder)
    if more.get("checked") and folder:
        parts[1].defines += ("-DTG_CHECK_WEIGHTS=1",)
    assert all(part.sources for part in parts)
    objects = [made for part in parts for made in compilations.compile(files, part)]
    here = [part for part in parts if part.target is parts[0].target]
    found = faults(objects if len(here) == len(parts) else compilations.compile(files, parts[0]))
    assert not found, (name, kind, runtime, found)
    for language in ("c", "c++"):
        compilations.compile_text(files, parts[0], f'#include "{model.name}.h"\n' * 2, language)
    mains = [text for path, text in parts[-1].sources.items() if Path(path).name == "main.c"]
    for text in mains:
        compilations.compile_text(files, parts[-1], text, "c++")
    assert len(mains) == (framework in ("espidf", "stm32cube", "stdio"))


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["aot", "tflm"])
@pytest.mark.parametrize("kind", KINDS)
def test_all_boards_compile(compilations: Compilations, kind: Kind, runtime: str) -> None:
    names = [name for name in board_names() if (kind, runtime) in possible(load_board(name))]
    assert len(names) >= 12 or (kind, runtime) == ("cmake", "tflm")
    for name in names:
        check(compilations, dense(), name, kind, runtime)


@pytest.mark.parametrize("name", FAMILIES)
def test_other_models_compile(compilations: Compilations, name: str) -> None:
    """One that remembers, one with labels and preprocessing, a checked build that verifies its constants at start."""
    for kind, runtime in possible(load_board(name)):
        if runtime == "aot":
            check(compilations, ring(), name, kind, runtime)
            check(compilations, conv(), name, kind, runtime, checked=True)


def test_what_a_board_cannot_have_is_refused() -> None:
    for name in board_names():
        board = load_board(name)
        for kind in KINDS:
            for runtime in ("aot", "tflm"):
                if (kind, runtime) not in possible(board):
                    with pytest.raises(BadInput) as error:
                        render_project(dense(), name, project=kind, runtime=runtime)  # type: ignore[arg-type]
                    assert "\n" not in error.value.line and "Hint: " in error.value.line


def test_every_file_is_named_where_files_are_named() -> None:
    """ESP-IDF and CMake compile what their lists say: all of a folder's sources, and no other."""
    for kind, folder in (("espidf", "main"), ("cmake", "src")):
        for model in (dense(), conv()):
            files, _ = render_project(model, "esp32-c3-devkitm-1", project=kind)  # type: ignore[arg-type]
            library = f"lib/{model.name}"
            for where, listing in ((folder, "main/CMakeLists.txt" if kind == "espidf" else "CMakeLists.txt"),
                                   (f"{library}/src", f"{library}/CMakeLists.txt")):  # fmt: skip
                named = {Path(word).name for word in re.findall(r"[\w/]+\.c(?:pp)?\b", files[listing].decode())}
                there = {Path(p).name for p in files if p.startswith(f"{where}/") and p.endswith((".c", ".cpp"))}
                assert named == there, (kind, listing)


@pytest.mark.parametrize(
    ("path", "old", "new", "said"),
    [
        ("lib/dense/src/dense.c", "return TG_OK;", "return TG_OK", "expected"),
        ("lib/dense/src/dense.h", "tg_status dense_invoke(void);", "tg_status dense_invoke(int);", "conflicting"),
        ("src/main.c", "dense_info", "dense_inform", "undeclared"),
        (
            "src/tg_app.c",
            '#include "tg_app.h"',
            '#include "tg_app.h"\nshort f(int x);\nshort f(int x) { return x; }',
            "onver",
        ),
    ],
)
def test_what_does_not_compile_is_found(compilations: Compilations, path: str, old: str, new: str, said: str) -> None:
    files, _ = render_project(dense(), "esp32dev")
    text = files[path].decode()
    assert old in text
    files[path] = text.replace(old, new, 1).encode()
    with pytest.raises(AssertionError, match=said):
        for part in parts_of(files, "dense", load_board("esp32dev"), "espidf", "src"):
            compilations.compile(files, part)


@pytest.mark.parametrize("absent", ["tg_app.c", "tg_port_arduino.cpp"])
def test_a_file_that_is_absent_is_found(compilations: Compilations, absent: str) -> None:
    files, _ = render_project(dense(), "pico", project="arduino")
    del files[f"lib/dense/examples/dense/{absent}"]
    parts: list[Part] = parts_of(files, "dense", load_board("pico"), "arduino", "lib/dense/examples/dense")
    assert any("nowhere" in fault for fault in faults([o for p in parts for o in compilations.compile(files, p)]))
