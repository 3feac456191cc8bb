"""The PlatformIO side of a project: platformio.ini, the library's manifest, an application, README."""

from __future__ import annotations

from typing import Any

from ..application import AppPlan
from ..boards import BoardProfile, PlatformIO
from ..errors import BadInput
from ..project import Manifest
from .espidf import idf_files
from .platformio_cores import sim_board
from .project_context import SIM_FILES, application_context, application_files
from .sim_env import sim_context
from .templating import render
from .tflm_library import TflmLibrary, tflm_library

_SIM_HOLDS = "the harness, the core's start-up, the board's memory map, and the platform that builds them"
_OUR_FILES = [
    ("`test/`", "what `pio test -e sim` holds the model to"),
    ("`tools/`", "what fails a build that takes more than the board has"),
]
_ANOTHER_FRAMEWORK = (
    "TFLM's library asks for the framework {}, so the project has it; the ahead-of-time runtime would take {}."
)


def platformio_files(board: BoardProfile, manifest: Manifest, app: AppPlan | None = None) -> dict[str, str]:
    """The files of the project that PlatformIO needs, by path from the project's root; `app` is its application.

    The model's own sources (lib/<name>/src), the simulator's harness (sim/), its environment (sim_env) and the budget
    gate come from their own modules. Raises BadInput where no application is known for the board's framework, or where
    the runtime cannot be built for the board.
    """
    if manifest.runtime == "micropython":
        raise BadInput("MicroPython modules are not built by PlatformIO.", "Copy the .mpy to the board.")
    context = application_context(board, manifest, app or AppPlan(), framework_of(board, manifest.runtime))
    library = context["library"] or TflmLibrary("", "", "")
    context |= sim_context(board, manifest)
    context["compilers"] = " or ".join(sim_board(board, manifest.toolchain)["build"]["gcc"]) or "cc"
    context["dependencies"] = dict(dep.rsplit("@", 1) for dep in library.lib_deps)
    spec = board.platformio
    made = _sim_project(board, manifest, context) if spec is None else _board_project(board, spec, manifest, context)
    made[f"lib/{manifest.model.name}/library.json"] = render("platformio/library.json.j2", **context)
    return made


def framework_of(board: BoardProfile, runtime: str) -> str:
    """The framework that a PlatformIO project uses, none on simulator boards; TFLM's library may ask for another."""
    if board.platformio is None:
        return ""
    return tflm_library(board).framework if runtime == "tflm" else board.platformio.default_framework


def _board_project(
    board: BoardProfile, spec: PlatformIO, manifest: Manifest, context: dict[str, Any]
) -> dict[str, str]:
    framework = framework_of(board, manifest.runtime)
    is_url = "://" in spec.platform or "@" in spec.platform
    context |= {
        "fork": " ".join(spec.fork.split()),
        "platform": spec.platform if is_url else f"{spec.platform}@{spec.version}",
        "board_id": spec.board,
        "framework": framework,
        "lib_deps": tuple(f"{name}@{version}" for name, version in context["dependencies"].items()),
        "kernels_from_lib": bool(context["dependencies"]),
    }
    application = application_files(framework, context)
    files = {f"src/{name}": text for name, text in application.items()}
    files["platformio.ini"] = render("platformio/platformio.ini.j2", **context)
    builds, elsewhere = "`platformio.ini`", ""
    if framework not in ("", spec.default_framework):
        context["notes"] = (*context["notes"], _ANOTHER_FRAMEWORK.format(framework, spec.default_framework))
    if framework == "espidf":
        requires = ["esp_timer", *([context["library"].component.split("/")[-1]] if context["library"] else [])]
        remark = f"; PlatformIO itself builds lib/{manifest.model.name}"
        files |= idf_files(context, "src", requires, remark=remark)
        builds += ", `CMakeLists.txt`, `sdkconfig.defaults`"
        elsewhere = "; the component needs the lines of `src/idf_component.yml` there" if context["library"] else ""
    files["README.md"] = render(
        "platformio/README.md.j2",
        **context,
        main=next(name for name in application if name.startswith("main.")),
        speaker="the board",
        app_dir="src",
        traced_in="platformio.ini",
        own_files=[("`src/`", "an application around it"), (builds, "how PlatformIO builds it")],
        our_files=[*SIM_FILES, *_OUR_FILES] if context["has_sim"] else _OUR_FILES[1:],
        check_how="`build_flags = -DTG_CHECK_WEIGHTS=1` in `platformio.ini`",
        elsewhere=elsewhere,
    )
    return files


def _sim_project(board: BoardProfile, manifest: Manifest, context: dict[str, Any]) -> dict[str, str]:
    if manifest.runtime == "tflm":
        raise BadInput(
            f"{board.name}: no library brings TensorFlow Lite Micro to a simulator's board.",
            "--runtime aot builds for it; `--runtime tflm` is for boards that PlatformIO knows.",
        )
    return {
        "platformio.ini": render("platformio/platformio_sim.ini.j2", **context),
        "README.md": render(
            "platformio/README.md.j2",
            **context,
            own_files=[("`platformio.ini`", "how PlatformIO builds it")],
            our_files=[("`sim/`", _SIM_HOLDS), *_OUR_FILES],
            check_how="",
            elsewhere="",
        ),
    }
