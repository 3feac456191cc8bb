"""tinygen compress: a recipe of techniques on a Keras model."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Annotated, cast

import typer

from ..errors import BadInput
from .generate import choice
from .options import (
    OPTIMIZE_HELP,
    BoardOption,
    DebugOption,
    FreshOption,
    JsonOption,
    Output,
    QuietOption,
    require_writable,
)


def command(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A .keras or .h5, or a SavedModel that Keras wrote.")],
    data: Annotated[
        Path, typer.Option("--data", metavar="D.npz", help="x_train, y_train, held-out x_test…; or module:function.")
    ],
    recipe: Annotated[Path, typer.Option("--recipe", metavar="R.toml", help="A list of [[compress]] tables.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT.h5", help="The compressed Keras 2 model.")],
    board: BoardOption = "qemu_mps2_an386",
    optimize: Annotated[str, typer.Option("--optimize", metavar="O", help=OPTIMIZE_HELP)] = "balanced",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of everything random.")] = 0,
    fresh: FreshOption = False,
    json_target: JsonOption = "",
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """A recipe of compression techniques; a table, a row a step, float and int8, costs as on the board.

    Finished steps are kept beside the output in OUT.steps, and a start after a stop goes on from there; delete it when
    you like. Example: tinygen compress m.keras --data d.npz --recipe r.toml -o s.h5
    """
    from ..boards import load_board
    from ..compress.runner import run_recipe
    from ..config import load_recipe, load_recipe_objective
    from ..frontend.keras_loader import load_model
    from ..records import Optimize
    from ..report.compress_text import compress_parts
    from ..sizing import fitter
    from ..steps import measured_rows
    from ..targets import with_targets
    from ..user_data import open_data

    out = Output(json_target, quiet)
    if output.suffix != ".h5":
        raise BadInput(f"{output}: the compressed model is a Keras 2 .h5 file.", "-o name.h5")
    require_writable("-o", output)
    choice(optimize, ("speed", "balanced", "size"), "--optimize")
    load_board(board)
    steps, objective = load_recipe(recipe), load_recipe_objective(recipe)
    arrays = open_data(data, Path.cwd(), out.say)
    kept = output.with_suffix(".steps")
    with out.steps() as say, tempfile.TemporaryDirectory(prefix="tinygen-") as work:
        loaded = load_model(model, work, progress=say)
        arrays = with_targets(arrays, loaded)
        records = run_recipe(
            loaded, arrays, steps, kept, seed=seed, objective=objective, load=lambda path: load_model(path, work),
            fit=fitter(loaded, arrays, board, optimize=cast(Optimize, optimize), seed=seed, progress=say),
            fresh=fresh, progress=say,
        )  # fmt: skip
        try:
            shutil.copyfile(records[-1].model.path, output)
        except OSError as error:
            raise BadInput(f"{output}: cannot be written: {error.strerror}.") from error
        rows = measured_rows(records, arrays, board, seed, say, optimize=cast(Optimize, optimize), objective=objective)
    reasons = list(dict.fromkeys(row.reason for row in rows if row.reason))
    result = {
        "schema": "tinygen.compress/1",
        "output": str(output),
        "steps_folder": str(kept),
        "board": board,
        "steps": [row.json() for row in rows],
        "notes": [f"int8 was not measured: {reason}" for reason in reasons],
    }
    out.show(*compress_parts(result))
    out.finish(result)
