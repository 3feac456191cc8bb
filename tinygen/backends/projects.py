"""The kinds of project: which of them a board and a runtime can have, their files, and who builds them."""

from __future__ import annotations

from ..application import AppPlan
from ..boards import BoardProfile
from ..errors import BadInput
from ..project import Kind, Manifest
from ..resources import data_dir
from .arduino import arduino_files, require_arduino
from .cmake import cmake_files, require_cmake
from .espidf import espidf_files, idf_target
from .platformio import framework_of, platformio_files

#: What builds and flashes a project that is not PlatformIO's, in its folder.
_OTHERS: dict[str, tuple[str, str]] = {
    "espidf": ("ESP-IDF", "idf.py build flash monitor"),
    "arduino": (
        "Arduino",
        "arduino-cli compile --upload --fqbn FQBN -p PORT --library lib/{0} lib/{0}/examples/{0}",
    ),
    "cmake": ("CMake", "cmake -S . -B build && cmake --build build"),
}
_IGNORED = {
    "platformio": ".pio/\n__pycache__/\n",
    "espidf": "build/\nmanaged_components/\nsdkconfig\nsdkconfig.old\n",
    "arduino": "*.zip\n",
    "cmake": "build*/\n",
}


def require_project(board: BoardProfile, project: Kind, runtime: str) -> None:
    """BadInput, before any work, where the board or the runtime cannot have this kind of project."""
    if project == "espidf":
        idf_target(board)
    elif project == "arduino":
        require_arduino(board)
    elif project == "cmake":
        require_cmake(runtime)


def project_files(
    board: BoardProfile, manifest: Manifest, sources: tuple[str, ...], app: AppPlan | None = None
) -> dict[str, str]:
    """The files around the model's own, by path from the project's root; `sources` are the paths of those."""
    app = app or AppPlan()
    require_project(board, manifest.project, manifest.runtime)
    if manifest.project == "espidf":
        made = espidf_files(board, manifest, sources, app)
    elif manifest.project == "arduino":
        made = arduino_files(board, manifest, app)
    elif manifest.project == "cmake":
        made = cmake_files(board, manifest, sources, app)
    else:
        made = platformio_files(board, manifest, app)
    made["LICENSE"] = (data_dir("firmware") / "LICENSE").read_text("utf-8")
    made[".gitignore"] = _IGNORED[manifest.project]
    return dict(sorted(made.items()))


def framework_for(board: BoardProfile, project: Kind, runtime: str) -> str:
    """The framework whose share of the board's memory a budget counts; empty for the profile's default."""
    return framework_of(board, runtime) if project == "platformio" else project if project != "cmake" else ""


def require_platformio(manifest: Manifest) -> None:
    """BadInput with the line that builds it where PlatformIO does not build this project."""
    if manifest.project != "platformio":
        who, line = _OTHERS[manifest.project]
        raise BadInput(
            f"{manifest.model.name}: a project of {who}'s, which tinygen does not build or flash.",
            f"There: {line.format(manifest.model.name)}",
        )
