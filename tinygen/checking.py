"""The budget of a model or of a rendered project, planned or linked: what `tinygen check` holds to the limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from . import budget
from .backends.aot_inventory import inventory
from .backends.projects import framework_for
from .backends.tflm_cost import NOTE, STACK_BYTES, STATIC_BYTES, runtime_bytes
from .boards import BoardProfile, load_board
from .compiled import Compiled, Model, Say, compile_model, open_model, peak_layers
from .costs import OVERRUN_BYTES, CodePrice, price
from .errors import BadInput, TinygenError
from .frontend.importer import import_tflite, read_model_file
from .micropython.budget import bundle_budget, micropython_budget
from .micropython.heap import Storage
from .micropython.project import existing_bundle, read_device
from .offline_plan import with_offline_plan
from .project import MANIFEST, Kind, Manifest, read_manifest
from .records import Optimize
from .simulate.compare import SimulationReport
from .simulation import simulate
from .toolchain.compilers import find_toolchain
from .usage import BudgetReport, Performance
from .writing import edited_files

CHECKED_NOTE = "A checked build: its guard zones and what verifies them are part of these figures."


def with_app(report: BudgetReport, manifest: Manifest) -> BudgetReport:
    """A project's budget with what the application has of its own for this model: vectors in flash, a window in RAM."""
    app = manifest.app
    flash, ram = dict(report.flash.parts), dict(report.ram.parts)
    flash |= {"vectors": app.flash_bytes} if app.flash_bytes else {}
    ram |= {"window": app.ram_bytes} if app.ram_bytes else {}
    return replace(report, flash=replace(report.flash, parts=flash), ram=replace(report.ram, parts=ram))


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


def planned_model(
    model: Model, board: BoardProfile, *, runtime: str = "aot", optimize: Optimize = "balanced",
    project: Kind = "platformio", storage: Storage | None = None, max_flash: int | None = None,
    max_ram: int | None = None,
) -> BudgetReport:  # fmt: skip
    """The planned budget of a model by one of the runtimes; `optimize` is of tinygen's own code."""
    if runtime == "tflm":
        return planned_tflm_budget(model, board, max_flash=max_flash, max_ram=max_ram, project=project)
    if runtime == "micropython":
        return micropython_budget(
            model, board, optimize=optimize, storage=storage, max_flash=max_flash, max_ram=max_ram
        )
    compiled = compile_model(model, board, optimize=optimize)
    return planned_budget(compiled, max_flash=max_flash, max_ram=max_ram, project=project)


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


def check(
    target: Path,
    *,
    board: str = "",
    runtime: str = "aot",
    optimize: Optimize = "balanced",
    storage: Storage | None = None,
    data: Path | None = None,
    max_flash: int | None = None,
    max_ram: int | None = None,
    say: Say | None = None,
) -> BudgetReport:
    """The budget of a rendered project (linked, where its core has a simulator) or of a model (planned).

    `data` quantizes a Keras model; a project runs over its held-out samples, and has an `optimize` of its own.
    `storage` is where a MicroPython module lies.
    """
    boards = [board] if board else []
    return check_boards(
        target, boards, runtime=runtime, optimize=optimize, storage=storage, data=data, max_flash=max_flash,
        max_ram=max_ram, say=say,
    )[0]  # fmt: skip


def check_boards(
    target: Path,
    boards: Sequence[str],
    *,
    runtime: str = "aot",
    optimize: Optimize = "balanced",
    storage: Storage | None = None,
    data: Path | None = None,
    max_flash: int | None = None,
    max_ram: int | None = None,
    say: Say | None = None,
) -> list[BudgetReport]:
    """The same for several boards, in their order; a project has its own and takes no other."""
    limits = {"max_flash": max_flash, "max_ram": max_ram}
    if target.is_dir() and (target / MANIFEST).is_file():
        return [_check_project(target, board, storage=storage, data=data, **limits) for board in (boards or [""])]
    if not boards:
        raise BadInput(f"{target}: which board?", "--board B; `tinygen boards` lists them.")
    profiles = [load_board(board) for board in boards]
    model = open_model(target, data=data, say=say)
    return [
        planned_model(
            model, profile, runtime=runtime, optimize=optimize, storage=storage, max_flash=max_flash, max_ram=max_ram
        )
        for profile in profiles
    ]


def _check_project(
    project: Path, board: str = "", *, storage: Storage | None = None, data: Path | None = None,
    max_flash: int | None = None, max_ram: int | None = None,
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
    if manifest.runtime == "micropython":
        compiled = compile_model(model, profile, optimize=manifest.optimize)
        made = existing_bundle(compiled, read_device(project, model.name))
        report = bundle_budget(compiled, made, storage, **limits)
        run = simulate(project, data=data, samples=None if data else 1, compare=False)
        return replace(report, performance=performance_of(run, data), notes=(*report.notes, *notes))
    if manifest.runtime == "tflm":
        report = planned_tflm_budget(model, profile, **limits, project=manifest.project)
    else:
        compiled = compile_model(model, profile, optimize=manifest.optimize, checked=manifest.checked)
        report = planned_budget(compiled, toolchain=manifest.toolchain, **limits, project=manifest.project)
    if data:
        report = replace(report, performance=performance_of(simulate(project, data=data, compare=False), data))
    return with_app(replace(report, notes=(*report.notes, *notes)), manifest)


def stored_model(project: Path, manifest: Manifest) -> Model:
    """The model that a project was rendered from, out of the project."""
    record = manifest.model
    tflite = read_model_file(project / record.file)
    return Model(record.name, tflite, record.version, record.labels, manifest.preprocess)
