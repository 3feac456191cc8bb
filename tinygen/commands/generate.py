"""tinygen generate: a project that builds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from ..errors import BadInput, suggest
from .options import OPTIMIZE_HELP, BoardOption, DebugOption, JsonOption, OutOption, Output, QuietOption


def choice(value: str, known: tuple[str, ...], option: str) -> str:
    """An option's value out of a fixed set."""
    if value not in known:
        raise BadInput(f"{option} {value!r} is none of {', '.join(known)}.", suggest(value, known))
    return value


def command(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A .tflite, or a Keras model with --data.")],
    board: BoardOption,
    output: OutOption,
    runtime: Annotated[str, typer.Option("--runtime", metavar="R", help="aot, tflm or micropython.")] = "aot",
    project: Annotated[
        str, typer.Option("--project", metavar="P", help="platformio, espidf, arduino or cmake.")
    ] = "platformio",
    optimize: Annotated[str, typer.Option("--optimize", metavar="O", help=OPTIMIZE_HELP)] = "balanced",
    toolchain: Annotated[str, typer.Option("--toolchain", metavar="T", help="gcc or zig.")] = "",
    keep_input: Annotated[bool, typer.Option("--keep-input", help="invoke leaves the input as it was.")] = False,
    checked: Annotated[
        bool, typer.Option("--checked", help="A debug build: names the layer that writes outside of its buffers.")
    ] = False,
    source: Annotated[
        str, typer.Option("--source", metavar="S", help="The application's inputs: serial, vectors or function.")
    ] = "serial",
    name: Annotated[str, typer.Option("--name", metavar="N", help="The prefix of the C functions.")] = "",
    data: Annotated[
        Path | None, typer.Option("--data", metavar="D.npz", help="Quantizes a Keras model; gives vectors.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Moves edited files to *.orig.")] = False,
    json_target: JsonOption = "",
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """A project that builds, for a board. Example: tinygen generate kws.tflite --board nucleo_f446re -o kws"""
    from ..application import SOURCES, Application, AppSection
    from ..backends.projects import require_project
    from ..boards import load_board
    from ..compiled import open_model
    from ..pipeline import generate, require_checkable
    from ..project import KINDS, RUNTIMES, Kind, Runtime
    from ..records import Optimize, Tools
    from ..report.text import budget_table

    out = Output(json_target, quiet)
    choice(runtime, RUNTIMES, "--runtime")
    choice(project, KINDS, "--project")
    choice(source, SOURCES, "--source")
    choice(optimize, ("speed", "balanced", "size"), "--optimize")
    if toolchain:
        choice(toolchain, ("gcc", "zig"), "--toolchain")
    require_checkable(runtime, checked)
    require_project(load_board(board), cast(Kind, project), runtime)
    if runtime == "micropython" and source != "serial":
        raise BadInput(
            "--source is of firmware's application; a MicroPython module has device/main.py.", "Leave it out."
        )
    with out.working("Rendering the project"):
        made = generate(
            open_model(model, name=name or None, data=data, say=out.say),
            board,
            output,
            runtime=cast(Runtime, runtime),
            project=cast(Kind, project),
            optimize=cast(Optimize, optimize),
            toolchain=cast(Tools, toolchain or None),
            keep_input=keep_input,
            checked=checked,
            app=Application(AppSection.model_validate({"source": source})),
            data=data,
            force=force,
        )
    out.show(budget_table(made.budget))
    for path in made.written.kept:
        out.show(f"kept, edited by you: {path}")
    for path in made.written.moved:
        out.show(f"renewed; yours is now {path}.orig")
    state = "fits" if made.budget.fits else "does NOT fit"
    out.show(f"{len(made.manifest.files)} files in {output} ({state} {made.manifest.board})")
    out.finish(
        {
            "schema": "tinygen.generate/1",
            "project": str(output),
            "board": made.manifest.board,
            "runtime": made.manifest.runtime,
            "kind": made.manifest.project,
            "kept": list(made.written.kept),
            "moved": list(made.written.moved),
            "budget": made.budget.json(),
        }
    )
