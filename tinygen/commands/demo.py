"""tinygen demo: the whole road on an example's real data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import DebugOption, JsonOption, Output, QuietOption
from .run import execute


def command(
    example: Annotated[
        str,
        typer.Option(
            "--example",
            "-e",
            metavar="NAME",
            help="digits (images), motions (a motion sensor, 1-D convolutions) or anomaly (an auto-encoder).",
        ),
    ] = "digits",
    board: Annotated[
        str | None,
        typer.Option("--board", "-b", metavar="B", help="A board's name; default: the example's own boards."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Where everything goes; default: tinygen-demo, of other examples tinygen-demo-NAME.",
        ),
    ] = None,
    json_target: JsonOption = "",
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """The whole road on real data, handwritten digits or another example: train, compress, int8, C, budgets, simulate.

    Example: tinygen demo -o demo
    """  # fmt: skip
    from ..boards import load_board
    from ..demo import write_demo
    from ..examples import find_example

    out = Output(json_target, quiet)
    chosen = find_example(example)
    if board is not None:
        load_board(board)
    folder = output or Path("tinygen-demo" if example == "digits" else f"tinygen-demo-{example}")
    with out.steps() as say:
        config = write_demo(folder, board, example=chosen, progress=say)
    execute(config, folder / "build", out, detect=lambda project, say: chosen.detect(project, folder / "data.npz", say))
