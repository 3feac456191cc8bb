"""The plain CMake side of a project: the library as a target, a program of this machine around it, a toolchain file."""

from __future__ import annotations

from ..application import AppPlan
from ..boards import BoardProfile
from ..errors import BadInput
from ..project import Manifest
from .platformio_cores import sim_board
from .project_context import SIM_FILES, application_context, application_files, library_sources
from .templating import render

#: Target names that CMake keeps for itself, and libraries that a linker would no longer find beside such a target.
_RESERVED = frozenset(
    """all help install preinstall clean edit_cache rebuild_cache test run_tests package package_source zero_check
    experimental nightly continuous c m dl rt pthread gcc""".split()
)


def require_cmake(runtime: str) -> None:
    """BadInput where no library brings the runtime to a plain CMake project."""
    if runtime == "tflm":
        raise BadInput(
            "--project cmake: TensorFlow Lite Micro has no CMake build to depend on.",
            "--runtime aot needs none; --project espidf, arduino or platformio bring it.",
        )


def cmake_files(board: BoardProfile, manifest: Manifest, sources: tuple[str, ...], app: AppPlan) -> dict[str, str]:
    """The files of a CMake project by path; `sources` are the paths of the model's own in lib/<name>/src.

    Raises BadInput for the runtime that it cannot build, and for a name that CMake keeps for itself.
    """
    require_cmake(manifest.runtime)
    name = manifest.model.name
    if name.lower() in _RESERVED:
        raise BadInput(f"{name}: no target of CMake's can have that name.", f"--name model_{name}")
    context = application_context(board, manifest, app, "stdio")
    context |= {"sources": library_sources(manifest, sources), "MODEL": name.upper()}
    application = application_files("stdio", context)
    context["app_sources"] = sorted(file for file in application if file.endswith(".c"))
    files = {f"src/{file}": text for file, text in application.items()}
    files["CMakeLists.txt"] = render("cmake/CMakeLists.txt.j2", **context)
    files[f"lib/{name}/CMakeLists.txt"] = render("cmake/library_CMakeLists.txt.j2", **context)
    toolchain = _toolchain(board)
    files |= {"toolchain.cmake": toolchain} if toolchain else {}
    esp = board.mcu.lower() if board.mcu.lower().startswith("esp32") else ""
    files["README.md"] = render(
        "cmake/README.md.j2",
        **context,
        toolchain="toolchain.cmake" if toolchain else f"$IDF_PATH/tools/cmake/toolchain-{esp}.cmake",
        compiler="" if toolchain else "ESP-IDF's compiler",
        speaker="the program",
        app_dir="src",
        traced_in=f"lib/{name}/CMakeLists.txt",
        own_files=[
            ("`src/`", "a program of this machine around it"),
            ("`CMakeLists.txt`" + (", `toolchain.cmake`" if toolchain else ""), "how CMake builds both"),
        ],
        our_files=SIM_FILES if context["has_sim"] else [],
        check_how="`-DCMAKE_C_FLAGS=-DTG_CHECK_WEIGHTS=1` after `cmake`",
    )
    return files


def _toolchain(board: BoardProfile) -> str:
    """CMake's toolchain file for the board's core, empty where its compiler is a vendor's alone (Xtensa)."""
    if board.core.startswith("xtensa"):
        return ""
    described = sim_board(board)["build"]
    return render(
        "cmake/toolchain.cmake.j2",
        board=board,
        processor="arm" if board.core.startswith("cortex") else "riscv32",
        compilers=described["gcc"],
        more=("-ffreestanding", "-fbuiltin", "-ffunction-sections", "-fdata-sections"),
        flags=[flag for flag in described["gcc_flags"] if not flag.startswith("-misa-spec")],
    )
