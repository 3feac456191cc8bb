"""The road from a model file to a proven project, as a list of calls: each function here is one command's work."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from . import __version__
from .app_vectors import prepare_application
from .application import Application
from .backends import aot
from .backends.budget_gate import gate_files
from .backends.projects import framework_for, project_files, require_platformio, require_project
from .backends.sim_env import sim_env_files
from .backends.sim_support import sim_files
from .backends.tflm import render_tflm
from .backends.tflm_cost import STACK_BYTES
from .backends.weights_check import render_weights_check
from .boards import BoardProfile, board_bytes, load_board
from .checking import planned_budget, planned_cost, planned_tflm_budget, with_app
from .compiled import Compiled, Model, compile_model
from .dataset import DataSet
from .errors import BadInput
from .frontend.importer import import_tflite
from .golden_vectors import golden_vectors
from .micropython.budget import bundle_budget
from .micropython.bundle import bundle
from .micropython.deploy import romfs_image
from .micropython.project import existing_bundle, micropython_files
from .offline_plan import with_offline_plan
from .project import Kind, Manifest, Runtime, read_manifest
from .records import Optimize, Tools, manifest_of, tflm_manifest
from .toolchain import platformio
from .usage import BudgetReport
from .writing import Written, write_project


@dataclass(frozen=True)
class Generated:
    """A rendered project: where it lies, which of the user's files were kept, and its planned budget."""

    written: Written
    manifest: Manifest
    budget: BudgetReport


def generate(
    model: Model,
    board: str,
    out: Path,
    *,
    runtime: Runtime = "aot",
    project: Kind = "platformio",
    optimize: Optimize = "balanced",
    toolchain: Tools = None,
    keep_input: bool = False,
    checked: bool = False,
    app: Application | None = None,
    data: Path | DataSet | None = None,
    force: bool = False,
) -> Generated:
    """Renders a project for a board and writes it; nothing is written where anything before fails.

    `data` gives the samples for the self-test's vectors, where `app` asks for some; without it they are generated.
    """
    profile = load_board(board)
    files, manifest = render_project(
        model, board, runtime=runtime, project=project, optimize=optimize, toolchain=toolchain, keep_input=keep_input,
        checked=checked, app=app, data=data,
    )  # fmt: skip
    if runtime == "tflm":
        planned = planned_tflm_budget(model, profile, project=project)
    elif runtime == "micropython":
        compiled = compile_model(model, profile, optimize=optimize)
        planned = bundle_budget(compiled, existing_bundle(compiled, files))
    else:
        compiled = compile_model(model, profile, optimize=optimize, keep_input=keep_input, checked=checked)
        planned = planned_budget(compiled, toolchain=toolchain, project=project)
    written = write_project(files, manifest, out, force=force)
    return Generated(written, read_manifest(written.folder), with_app(planned, manifest))


def render_project(
    model: Model,
    board: str,
    *,
    runtime: Runtime = "aot",
    project: Kind = "platformio",
    optimize: Optimize = "balanced",
    toolchain: Tools = None,
    keep_input: bool = False,
    checked: bool = False,
    app: Application | None = None,
    data: Path | DataSet | None = None,
) -> tuple[dict[str, bytes], Manifest]:
    """The files of a project by path, in memory, and its manifest."""
    require_checkable(runtime, checked)
    profile = load_board(board)
    require_project(profile, project, runtime)
    if runtime == "micropython":
        return _micropython(model, profile, board, optimize, toolchain)
    files: dict[str, str | bytes] = {"board.toml": board_bytes(board)}
    if runtime == "tflm":
        model, library, manifest = _tflm(model, profile, optimize, toolchain, project)
        stack = STACK_BYTES
    else:
        compiled = compile_model(model, profile, optimize=optimize, keep_input=keep_input, checked=checked)
        library, manifest = _aot(compiled), manifest_of(compiled, optimize=optimize, toolchain=toolchain)
        files |= {f"sim/{path}": text for path, text in sim_files(profile, model.name, checked=checked).items()}
        stack = planned_cost(compiled, toolchain or "gcc").stack_bytes
    manifest = manifest.model_copy(update={"project": project})
    manifest, plan = prepare_application(app or Application(), model.tflite, manifest, profile, data)
    sources = {f"lib/{model.name}/src/{path}": text for path, text in library.items()}
    files |= sources | project_files(profile, manifest, tuple(sources), plan)
    if project == "platformio":
        files |= gate_files(profile, manifest, framework_for(profile, project, runtime), stack)
        if runtime == "aot":
            files |= sim_env_files(profile, manifest, golden_vectors(model.tflite, manifest.model.inputs))
    files[manifest.model.file] = model.tflite
    return {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}, manifest


def require_checkable(runtime: str, checked: bool) -> None:
    """BadInput for a checked build of a runtime that has none."""
    if checked and runtime != "aot":
        raise BadInput(
            f"--checked guards the buffers of tinygen's own code; --runtime {runtime} has none.", "--runtime aot."
        )


def _aot(compiled: Compiled) -> dict[str, str]:
    board, info = compiled.board, compiled.model.info
    line = f"{board.name}: {board.title}, {board.core}"
    library = aot.render_aot(compiled.graph, compiled.layers, compiled.plan, line, info)
    constants = aot.model_pool(compiled.graph, compiled.layers, info.name)
    library[f"{info.name}_check.c"] = render_weights_check(constants, info.name, __version__)
    return library | aot.with_includes({"tg_crc32.h"} if constants.fields else ())


def _micropython(
    model: Model, profile: BoardProfile, board: str, optimize: Optimize, toolchain: Tools
) -> tuple[dict[str, bytes], Manifest]:
    compiled = compile_model(model, profile, optimize=optimize)
    made = bundle(compiled, optimize=optimize, toolchain=toolchain)
    manifest = manifest_of(compiled, optimize=optimize, toolchain=toolchain, runtime="micropython")
    manifest = manifest.model_copy(update={"project": "micropython"})
    files = micropython_files(compiled, manifest, made)
    files |= {"board.toml": board_bytes(board), manifest.model.file: model.tflite}
    return {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}, manifest


def _tflm(
    model: Model, board: BoardProfile, optimize: Optimize, toolchain: Tools, project: Kind
) -> tuple[Model, dict[str, str], Manifest]:
    """(the model as it is flashed, its library, the manifest)."""
    graph = import_tflite(model.tflite, model.name, supported_only=False)
    planned = with_offline_plan(graph, model.tflite, board, project)
    flashed = replace(model, tflite=planned.tflite)
    graph = import_tflite(flashed.tflite, model.name, supported_only=False)
    library = render_tflm(
        graph,
        flashed.tflite,
        board,
        name=model.name,
        version=model.version,
        labels=model.labels,
        preprocess=model.preprocess,
        arena=planned.arena,
        project=project,
    )
    arena = planned.arena.arena_bytes
    return flashed, library, tflm_manifest(flashed, graph, board, arena, optimize=optimize, toolchain=toolchain)


def build(project: Path, environment: str = "") -> dict[str, Any]:
    """Builds the project with PlatformIO: the board's environment, or the one named ("sim" asks no registry).

    Of a MicroPython project the image of a ROM filesystem, by mpremote.

    BadInput with the line that builds it where it is of another kind.
    """
    manifest = read_manifest(project)
    if manifest.runtime == "micropython":
        if environment:
            raise BadInput(f"{project}: --env is PlatformIO's.", "Leave it out.")
        image = romfs_image(project, manifest)
        return {"environment": manifest.board, "image": str(image), "image_bytes": image.stat().st_size}
    require_platformio(manifest)
    return {"environment": environment or manifest.board, **asdict(platformio.build(project, environment))}
