"""The PlatformIO side of a project: platformio.ini, the library's manifest, an application, README, licence."""

from __future__ import annotations

import json
import re
from typing import Any

from .. import __version__
from ..application import AppPlan
from ..boards import BoardProfile, PlatformIO
from ..errors import BadInput
from ..project import Manifest
from ..resources import data_dir
from .aot import QUANTIZED_RANGE
from .application import app_context, app_files
from .constants import C_TYPES
from .platformio_cores import sim_board
from .templating import render
from .tflm_library import TflmLibrary, tflm_library

#: Frameworks that have an application here: its main file and the file that gives it a serial line and a clock.
_APPLICATIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "arduino": ("main.cpp", ("tg_port_arduino.cpp",)),
    "espidf": ("main.c", ("tg_port_espidf.c",)),
    "stm32cube": ("main.c", ("tg_port_stm32cube.c", "tg_port_stm32cube.h")),
}
_SIM_SOURCES = "+<*.c> -<native.c>"  # assembly is added by the platform, native.c is for runs on the host
#: The model's library is compiled for speed where the user did not ask for size; frameworks say -Os.
_OPTIMIZE = {"speed": "-O2", "balanced": "-O2", "size": "-Os"}


def platformio_files(board: BoardProfile, manifest: Manifest, app: AppPlan | None = None) -> dict[str, str]:
    """The files of the project that PlatformIO needs, by path from the project's root; `app` is its application.

    The model's own sources (lib/<name>/src) and a simulator's harness (sim/) come from their back ends. Raises BadInput
    where no application is known for the board's framework, or where the runtime cannot be built for the board.
    """
    if manifest.runtime == "micropython":
        raise BadInput("MicroPython modules are not built by PlatformIO.", "Copy the .mpy to the board.")
    files = {
        "LICENSE": (data_dir("firmware") / "LICENSE").read_text("utf-8"),
        ".gitignore": ".pio/\n__pycache__/\n",
        f"lib/{manifest.model.name}/library.json": render(
            "platformio/library.json.j2",
            model=manifest.model.name,
            version=semantic_version(manifest.model.version),
            description=f"int8 inference for {manifest.model.name}",
            ldf_off=board.platformio is None,
            optimize=_OPTIMIZE[manifest.optimize],
        ),
    }
    spec = board.platformio
    made = _sim_project(board, manifest) if spec is None else _board_project(board, spec, manifest, app or AppPlan())
    return dict(sorted((files | made).items()))


def framework_of(board: BoardProfile, runtime: str) -> str:
    """The framework that a rendered project uses, empty on simulator boards: TFLM's library may ask for another one."""
    if board.platformio is None:
        return ""
    return tflm_library(board).framework if runtime == "tflm" else board.platformio.default_framework


def semantic_version(text: str) -> str:
    """A user's version as PlatformIO takes it, major.minor.patch: "1.0" is 1.0.0; what is no number is 0.0.0."""
    match = re.match(r"v?(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?(?![\w.])", text.strip())
    return ".".join(str(int(part or 0)) for part in match.groups()) if match else "0.0.0"


def _context(board: BoardProfile, manifest: Manifest) -> dict[str, Any]:
    ends = manifest.model.inputs
    return {
        "tinygen": __version__,
        "board": board,
        "env": board.name,
        "model": manifest.model.name,
        "title": board.title,
        "sha256": manifest.model.sha256,
        "runtime": manifest.runtime,
        "checked": manifest.checked,
        "ctype": C_TYPES.get(ends[0].dtype, "void") if ends else "int8_t",
        "quantized": bool(ends) and ends[0].scale is not None and ends[0].dtype in QUANTIZED_RANGE,
        "notes": (),
        "state_bytes": manifest.plan.state_bytes,
        "optimize": _OPTIMIZE[manifest.optimize],
        "compilers": "",
        "is_sim": board.platformio is None,
    }


def _board_project(board: BoardProfile, spec: PlatformIO, manifest: Manifest, app: AppPlan) -> dict[str, str]:
    framework = framework_of(board, manifest.runtime)
    if framework not in _APPLICATIONS:
        raise BadInput(
            f"{board.name}: no application for the framework {framework!r}, only for {', '.join(_APPLICATIONS)}.",
            "Set platformio.default_framework in the board's profile to one of these.",
        )
    library = tflm_library(board) if manifest.runtime == "tflm" else TflmLibrary("", "", framework)
    main, port = _APPLICATIONS[framework]
    is_url = "://" in spec.platform or "@" in spec.platform
    context = _context(board, manifest) | {
        "fork": " ".join(spec.fork.split()),
        "platform": spec.platform if is_url else f"{spec.platform}@{spec.version}",
        "board_id": spec.board,
        "framework": framework,
        "serial_header": spec.serial_header,
        "console": spec.console.upper(),
        "lib_deps": library.lib_deps,
        "kernels_from_lib": bool(library.lib_deps),
        "notes": library.notes,
        **app_context(manifest, app, cpp=main.endswith(".cpp")),
    }
    files = {
        "platformio.ini": render("platformio/platformio.ini.j2", **context),
        "README.md": render("platformio/README.md.j2", **context),
        f"src/{main}": render(f"platformio/main_{framework}.{main.split('.')[1]}.j2", **context),
    }
    files |= {f"src/{name}": text for name, text in app_files(context, port).items()}
    if framework == "espidf":
        sources = sorted(p.removeprefix("src/") for p in files if p.startswith("src/") and p.endswith(".c"))
        files |= _espidf_files(context, library, sources)
    return files


def _espidf_files(context: dict[str, Any], library: TflmLibrary, sources: list[str]) -> dict[str, str]:
    requires = library.component.split("/")[-1]
    files = {
        "CMakeLists.txt": render("platformio/CMakeLists.txt.j2", **context),
        "src/CMakeLists.txt": render("platformio/src_CMakeLists.txt.j2", **context, sources=sources, requires=requires),
        "sdkconfig.defaults": render("platformio/sdkconfig.defaults.j2", **context),
    }
    if library.component:
        files["src/idf_component.yml"] = render(
            "platformio/idf_component.yml.j2", dependency=library.component, version=library.version
        )
    return files


def _sim_project(board: BoardProfile, manifest: Manifest) -> dict[str, str]:
    if manifest.runtime == "tflm":
        raise BadInput(
            f"{board.name}: no library brings TensorFlow Lite Micro to a simulator's board.",
            "--runtime aot builds for it; `--runtime tflm` is for boards that PlatformIO knows.",
        )
    described = sim_board(board, manifest.toolchain)
    context = _context(board, manifest) | {
        "compilers": " or ".join(described["build"]["gcc"]),
        "src_flags": "-fno-builtin",
        "src_filter": _SIM_SOURCES,
    }
    files = {
        "platformio.ini": render("platformio/platformio_sim.ini.j2", **context),
        "README.md": render("platformio/README.md.j2", **context),
        f"sim/platformio/boards/{board.name}.json": json.dumps(described, indent=2) + "\n",
    }
    for name in ("platform.json", "platform.py", "builder/main.py"):
        files[f"sim/platformio/{name}"] = (data_dir("firmware") / "platformio" / name).read_text("utf-8")
    return files
