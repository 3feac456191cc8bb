"""The road from a model file to a proven project, as a list of calls: each function here is one command's work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from . import __version__, budget
from .app_vectors import prepare_application
from .application import Application
from .backends import aot
from .backends.aot_inventory import inventory
from .backends.budget_gate import gate_files
from .backends.projects import framework_for, project_files, require_platformio, require_project
from .backends.sim_env import sim_env_files
from .backends.sim_support import sim_files
from .backends.tflm import render_tflm
from .backends.tflm_cost import NOTE, STACK_BYTES, STATIC_BYTES, runtime_bytes
from .backends.weights_check import render_weights_check
from .boards import BoardProfile, board_bytes, load_board
from .compiled import Compiled, Model, Say, compile_model, open_model
from .costs import OVERRUN_BYTES, CodePrice, price
from .dataset import DataSet
from .errors import BadInput, TinygenError
from .frontend.importer import import_tflite, read_model_file
from .golden_vectors import golden_vectors
from .memory.lifetimes import live_bytes
from .offline_plan import with_offline_plan
from .project import MANIFEST, Kind, Manifest, read_manifest
from .records import Optimize, Tools, manifest_of, tflm_manifest
from .simulate.compare import SimulationReport
from .simulation import simulate
from .toolchain import platformio
from .toolchain.compilers import find_toolchain
from .usage import BudgetReport, Performance
from .writing import Written, edited_files, write_project

Runtime = Literal["aot", "tflm"]
CHECKED_NOTE = "A checked build: its guard zones and what verifies them are part of these figures."


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
    else:
        compiled = compile_model(model, profile, keep_input=keep_input, checked=checked)
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
    files: dict[str, str | bytes] = {"board.toml": board_bytes(board)}
    if runtime == "tflm":
        model, library, manifest = _tflm(model, profile, optimize, toolchain, project)
        stack = STACK_BYTES
    else:
        compiled = compile_model(model, profile, keep_input=keep_input, checked=checked)
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


def with_app(report: BudgetReport, manifest: Manifest) -> BudgetReport:
    """A project's budget with what the application has of its own for this model: vectors in flash, a window in RAM."""
    app = manifest.app
    flash, ram = dict(report.flash.parts), dict(report.ram.parts)
    flash |= {"vectors": app.flash_bytes} if app.flash_bytes else {}
    ram |= {"window": app.ram_bytes} if app.ram_bytes else {}
    return replace(report, flash=replace(report.flash, parts=flash), ram=replace(report.ram, parts=ram))


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


def planned_budget(
    compiled: Compiled,
    *,
    toolchain: str | None = None,
    project: Kind = "platformio",
    max_flash: int | None = None,
    max_ram: int | None = None,
) -> BudgetReport:
    """The budget before any compiler runs: weights and arena exact, code and stack by the table of measured sizes."""
    board = compiled.board
    static = compiled.state_bytes + (OVERRUN_BYTES if compiled.checked else 0)
    cost = planned_cost(compiled, toolchain)
    return budget.report(
        board,
        "planned",
        {
            "weights": compiled.weights_bytes,
            "code": cost.code_bytes,
            "runtime": 0 if board.framework else cost.harness_bytes,
        },
        {"arena": compiled.plan.arena_bytes, "static": static, "stack": cost.stack_bytes},
        max_flash=max_flash,
        max_ram=max_ram,
        largest=peak_layers(compiled),
        notes=(CHECKED_NOTE,) if compiled.checked else (),
        framework=framework_for(board, project, "aot"),
        model=compiled.model.name,
        checked=compiled.checked,
    )


def planned_cost(compiled: Compiled, toolchain: str | None) -> CodePrice:
    """Code and stack of a model by the table of measured sizes."""
    stock = inventory(compiled.graph, compiled.layers, compiled.model.info, compiled.plan)
    return price(stock, toolchain or likely_toolchain(compiled.board.core), compiled.board.core)


def planned_tflm_budget(
    model: Model,
    board: BoardProfile,
    *,
    max_flash: int | None = None,
    max_ram: int | None = None,
    project: Kind = "platformio",
) -> BudgetReport:
    """The budget of a TFLite Micro project: the model's bytes and the arena are exact plans, the interpreter is not."""
    graph = import_tflite(model.tflite, model.name, supported_only=False)
    planned = with_offline_plan(graph, model.tflite, board, project)
    return budget.report(
        board,
        "planned",
        {"weights": len(planned.tflite), "code": 0, "runtime": runtime_bytes(graph)},
        {"arena": planned.arena.arena_bytes, "static": STATIC_BYTES, "stack": STACK_BYTES},
        max_flash=max_flash,
        max_ram=max_ram,
        notes=(NOTE,),
        framework=framework_for(board, project, "tflm"),
        model=model.name,
        runtime="tflm",
    )


def likely_toolchain(core: str) -> str:
    """The toolchain by whose measured sizes a plan goes where none is named: the one installed, else gcc."""
    try:
        return find_toolchain(core).kind
    except TinygenError:
        return "gcc"


def linked_budget(
    project: Path, *, data: Path | None = None, max_flash: int | None = None, max_ram: int | None = None
) -> BudgetReport:
    """The budget of a rendered project as linked for its board, its stack painted in the simulator.

    With `data` the firmware runs over the held-out samples too, for its metric. Raises MissingTool without a compiler
    or a simulator.
    """
    manifest = read_manifest(project)
    run = simulate(project, data=data, samples=None if data else 1, compare=False)
    board = load_board(project / "board.toml")
    framework = framework_for(board, manifest.project, manifest.runtime)
    report = budget_of(run, board, manifest.model.name, data, max_flash=max_flash, max_ram=max_ram, framework=framework)
    return replace(report, notes=(*report.notes, CHECKED_NOTE)) if manifest.checked else report


def performance_of(run: SimulationReport, data: Path | None) -> Performance:
    """Instructions and metric of a simulation; `data` is what it ran on besides the ramp."""
    reasons = {"metric": "the data has no y to compare with" if data else "no --data to compute it on"}
    if run.instructions_per_inference is None:
        reasons["instructions"] = run.reasons.get("instructions_per_inference", "not counted")
    named = run.compiler in run.compiler_version
    compiler = run.compiler_version if named else f"{run.compiler} {run.compiler_version}"
    return Performance(run.instructions_per_inference, run.metric, run.simulator, compiler, reasons)


def budget_of(
    run: SimulationReport, board: BoardProfile, model: str = "", data: Path | None = None, /, *,
    max_flash: int | None = None, max_ram: int | None = None, framework: str = "",
) -> BudgetReport:  # fmt: skip
    """The budget of a program that was linked and simulated, on `data` besides the ramp; `framework` as in
    budget.report."""
    runtime = 0 if board.framework else run.harness_bytes or 0
    static = (run.state_bytes or 0) + (run.static_bytes or 0)
    return budget.report(
        board,
        "linked",
        {"weights": run.weights_bytes or 0, "code": run.code_bytes or 0, "runtime": runtime},
        {"arena": run.arena_bytes or 0, "static": static, "stack": run.stack_bytes or 0},
        max_flash=max_flash,
        max_ram=max_ram,
        framework=framework,
        model=model,
        checked=run.checked,
        performance=performance_of(run, data),
    )


def peak_layers(compiled: Compiled) -> str:
    """Where the arena is fullest: "live at conv2d_1"."""
    totals = live_bytes(compiled.plan.buffers, len(compiled.layers))[1:-1]
    return f"live at {compiled.layers[totals.index(max(totals))].op.name}" if totals else ""


def check(
    target: Path,
    *,
    board: str = "",
    runtime: str = "aot",
    data: Path | None = None,
    max_flash: int | None = None,
    max_ram: int | None = None,
    say: Say | None = None,
) -> BudgetReport:
    """The budget of a rendered project (linked, where its core has a simulator) or of a model (planned).

    `data` quantizes a Keras model; a project runs over its held-out samples.
    """
    boards = [board] if board else []
    return check_boards(target, boards, runtime=runtime, data=data, max_flash=max_flash, max_ram=max_ram, say=say)[0]


def check_boards(
    target: Path,
    boards: Sequence[str],
    *,
    runtime: str = "aot",
    data: Path | None = None,
    max_flash: int | None = None,
    max_ram: int | None = None,
    say: Say | None = None,
) -> list[BudgetReport]:
    """The same for several boards, in their order; a project has its own and takes no other."""
    limits = {"max_flash": max_flash, "max_ram": max_ram}
    if target.is_dir() and (target / MANIFEST).is_file():
        return [_check_project(target, board, data=data, **limits) for board in (boards or [""])]
    if not boards:
        raise BadInput(f"{target}: which board?", "--board B; `tinygen boards` lists them.")
    profiles = [load_board(board) for board in boards]
    model = open_model(target, data=data, say=say)
    if runtime == "tflm":
        return [planned_tflm_budget(model, p, max_flash=max_flash, max_ram=max_ram) for p in profiles]
    compiled = (compile_model(model, profile) for profile in profiles)
    return [planned_budget(found, max_flash=max_flash, max_ram=max_ram) for found in compiled]


def _check_project(
    project: Path, board: str = "", *, data: Path | None = None, max_flash: int | None = None,
    max_ram: int | None = None,
) -> BudgetReport:  # fmt: skip
    manifest = read_manifest(project)
    if board and board != manifest.board:
        raise BadInput(f"{project}: was rendered for {manifest.board}, not {board}.", "Leave --board out.")
    notes = tuple(f"edited by hand: {path}" for path in edited_files(project, manifest))
    limits = {"max_flash": max_flash, "max_ram": max_ram}
    if manifest.runtime == "aot" and (project / "sim" / "link.ld").is_file():
        report = with_app(linked_budget(project, data=data, **limits), manifest)
        return replace(report, notes=(*report.notes, *notes))
    model = stored_model(project, manifest)
    profile = load_board(project / "board.toml")
    if manifest.runtime == "tflm":
        report = planned_tflm_budget(model, profile, **limits, project=manifest.project)
    else:
        compiled = compile_model(model, profile, checked=manifest.checked)
        report = planned_budget(compiled, toolchain=manifest.toolchain, **limits, project=manifest.project)
    if data:
        report = replace(report, performance=performance_of(simulate(project, data=data, compare=False), data))
    return with_app(replace(report, notes=(*report.notes, *notes)), manifest)


def stored_model(project: Path, manifest: Manifest) -> Model:
    """The model that a project was rendered from, out of the project."""
    record = manifest.model
    tflite = read_model_file(project / record.file)
    return Model(record.name, tflite, record.version, record.labels, manifest.preprocess)


def build(project: Path, environment: str = "") -> dict[str, Any]:
    """Builds the project with PlatformIO: the board's environment, or the one named ("sim" asks no registry).

    BadInput with the line that builds it where it is of another kind.
    """
    manifest = read_manifest(project)
    require_platformio(manifest)
    return {"environment": environment or manifest.board, **asdict(platformio.build(project, environment))}
