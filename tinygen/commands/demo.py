"""tinygen demo: the whole road on real handwritten digits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import DebugOption, JsonOption, Output, QuietOption
from .run import execute


def command(
    board: Annotated[str, typer.Option("--board", "-b", metavar="B", help="A board's name.")] = "nucleo_f446re",
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Where everything goes.")] = Path(
        "tinygen-demo"
    ),
    json_target: JsonOption = "",
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """The whole road on real handwritten digits: train, distil, prune, int8, C, budgets, simulate.

    Example: tinygen demo -o demo
    """
    from ..boards import load_board
    from ..demo import write_demo

    out = Output(json_target, quiet)
    load_board(board)
    with out.steps() as say:
        config = write_demo(output, board, progress=say)
    execute(config, output / "build", out)
