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
#: MicroPython's projects come whole from tinygen.micropython.
_IGNORED = {
    "platformio": ".pio/\n__pycache__/\n",
    "espidf": "build/\nmanaged_components/\nsdkconfig\nsdkconfig.old\n",
    "arduino": "*.zip\n",
    "cmake": "build*/\n",
}


def kind_for(project: Kind, runtime: str) -> Kind:
    """The kind of project that a runtime gets where `project` is asked for; BadInput where it cannot have that."""
    if runtime == "micropython":
        if project not in ("platformio", "micropython"):
            raise BadInput(f"--project {project} builds no MicroPython module.", "Leave --project out.")
        return "micropython"
    if project == "micropython":
        raise BadInput(f"--runtime {runtime} has no MicroPython project.", "--runtime micropython.")
    return project


def require_project(board: BoardProfile, project: Kind, runtime: str) -> None:
    """BadInput, before any work, where the board or the runtime cannot have this kind of project."""
    if kind_for(project, runtime) == "micropython":
        require_micropython(board)
    elif project == "espidf":
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
    if project in ("cmake", "micropython"):
        return ""
    return framework_of(board, runtime) if project == "platformio" else project


def require_micropython(board: BoardProfile) -> None:
    """BadInput for a board that no MicroPython is known for."""
    if not board.micropython_arch:
        raise BadInput(f"{board.name}: no MicroPython for this board is known.", "--runtime aot.")


def require_platformio(manifest: Manifest) -> None:
    """BadInput with the line that builds it where PlatformIO does not build this project."""
    if manifest.project == "micropython":
        raise BadInput(f"{manifest.model.name}: a MicroPython project, which PlatformIO does not build.")
    if manifest.project != "platformio":
        who, line = _OTHERS[manifest.project]
        raise BadInput(
            f"{manifest.model.name}: a project of {who}'s, which tinygen does not build or flash.",
            f"There: {line.format(manifest.model.name)}",
        )
