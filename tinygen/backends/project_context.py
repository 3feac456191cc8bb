"""The application around a model, the same in every kind of project: its files, and what templates have to know."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .. import __version__
from ..application import AppPlan
from ..boards import BoardProfile
from ..errors import BadInput
from ..project import Manifest
from .aot import QUANTIZED_RANGE
from .application import app_context, app_files
from .constants import C_TYPES
from .runtime_notes import runtime_notes
from .templating import render
from .tflm_library import tflm_library

#: The model's library is compiled for speed where the user did not ask for size; frameworks say -Os.
OPTIMIZE = {"speed": "-O2", "balanced": "-O2", "size": "-Os"}
#: What a README's table says of a folder that ahead-of-time projects have for the simulator.
SIM_FILES = [("`sim/`", "what `tinygen simulate` links `lib/` with")]


@dataclass(frozen=True)
class _Program:
    """A framework's main file, its template, and the files that give it a serial line and a clock."""

    main: str
    template: str
    port: tuple[str, ...]


APPLICATIONS = {
    "arduino": _Program("main.cpp", "platformio/main_arduino.cpp.j2", ("tg_port_arduino.cpp",)),
    "espidf": _Program("main.c", "platformio/main_espidf.c.j2", ("tg_port_espidf.c",)),
    "stm32cube": _Program("main.c", "platformio/main_stm32cube.c.j2", ("tg_port_stm32cube.c", "tg_port_stm32cube.h")),
    "stdio": _Program("main.c", "cmake/main_stdio.c.j2", ("tg_port_stdio.c",)),
}


def application_files(framework: str, context: dict[str, Any], main: str = "") -> dict[str, str]:
    """The application's files by name; `main` names the main file otherwise. BadInput for an unknown framework."""
    if framework not in APPLICATIONS:
        raise BadInput(
            f"{context['board'].name}: no application for the framework {framework!r}, only for "
            f"{', '.join(name for name in APPLICATIONS if name != 'stdio')}.",
            "Set platformio.default_framework in the board's profile to one of these.",
        )
    known = APPLICATIONS[framework]
    files = {main or known.main: render(known.template, **context, main=main or known.main)}
    return files | app_files(context, known.port)


def application_context(board: BoardProfile, manifest: Manifest, app: AppPlan, framework: str) -> dict[str, Any]:
    """What the templates of a project print; each kind of project adds its own."""
    ends, spec = manifest.model.inputs, board.platformio
    library = tflm_library(board, manifest.project) if manifest.runtime == "tflm" else None
    return {
        "tinygen": __version__,
        "board": board,
        "env": board.name,
        "model": manifest.model.name,
        "version": semantic_version(manifest.model.version),
        "description": f"int8 inference for {manifest.model.name}",
        "title": board.title,
        "sha256": manifest.model.sha256,
        "runtime": manifest.runtime,
        "checked": manifest.checked,
        "ctype": C_TYPES.get(ends[0].dtype, "void") if ends else "int8_t",
        "quantized": bool(ends) and ends[0].scale is not None and ends[0].dtype in QUANTIZED_RANGE,
        "library": library,
        "notes": (*(library.notes if library else ()), *(runtime_notes(board, manifest) if spec else ())),
        "state_bytes": manifest.plan.state_bytes,
        "optimize": OPTIMIZE[manifest.optimize],
        "serial_header": spec.serial_header if spec else "",
        "console": spec.console.upper() if spec else "",
        "has_sim": manifest.runtime == "aot",
        "is_sim": spec is None,
        **app_context(manifest, app, cpp=framework == "arduino"),
    }


def library_sources(manifest: Manifest, files: tuple[str, ...]) -> list[str]:
    """The C and C++ of the model's library, by path from lib/<name>, out of the project's paths."""
    root = f"lib/{manifest.model.name}/"
    paths = sorted(path.removeprefix(root) for path in files if path.startswith(f"{root}src/"))
    return [path for path in paths if path.endswith((".c", ".cpp"))]


def semantic_version(text: str) -> str:
    """A user's version as registries take it, major.minor.patch: "1.0" is 1.0.0; what is no number is 0.0.0."""
    match = re.match(r"v?(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?(?![\w.])", text.strip())
    return ".".join(str(int(part or 0)) for part in match.groups()) if match else "0.0.0"
