"""tinygen compress: a recipe of techniques on a Keras model."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from ..errors import BadInput
from .options import DebugOption, JsonOption, Output, QuietOption


def command(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A .keras or .h5, or a SavedModel that Keras wrote.")],
    data: Annotated[
        Path, typer.Option("--data", metavar="D.npz", help="x_train, y_train and held-out x_test, y_test.")
    ],
    recipe: Annotated[Path, typer.Option("--recipe", metavar="R.toml", help="A list of [[compress]] tables.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT.h5", help="The compressed Keras 2 model.")],
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of everything random.")] = 0,
    json_target: JsonOption = "",
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """A recipe of compression techniques; a table, a row a step.

    Example: tinygen compress m.keras --data d.npz --recipe r.toml -o s.h5
    """
    from ..compress.runner import run_recipe
    from ..config import load_recipe
    from ..dataset import load_data
    from ..frontend.keras_loader import load_model
    from ..report.text import table

    out = Output(json_target, quiet)
    if output.suffix != ".h5":
        raise BadInput(f"{output}: the compressed model is a Keras 2 .h5 file.", "-o name.h5")
    steps = load_recipe(recipe)
    arrays = load_data(data)
    with out.steps() as say, tempfile.TemporaryDirectory(prefix="tinygen-") as work:
        loaded = load_model(model, work, progress=say)
        records = run_recipe(
            loaded, arrays, steps, work, seed=seed, load=lambda path: load_model(path, work), progress=say
        )
        try:
            shutil.copyfile(records[-1].model.path, output)
        except OSError as error:
            raise BadInput(f"{output}: cannot be written: {error.strerror}.") from error
    rows = [
        [
            r.technique,
            r.parameters,
            f"{100 * (1 - r.nonzero_share):.1f} %",
            "-" if r.value is None else f"{r.value:.4f}",
        ]
        for r in records
    ]
    out.show(table("Compression", ["step", "parameters", "zeros", records[-1].metric or "metric"], rows), f"{output}")
    out.finish(
        {
            "schema": "tinygen.compress/1",
            "output": str(output),
            "steps": [
                {
                    "step": r.technique,
                    "parameters": r.parameters,
                    "nonzero_share": r.nonzero_share,
                    "metric": r.metric,
                    "value": r.value,
                    "facts": r.facts,
                }
                for r in records
            ],
        }
    )
