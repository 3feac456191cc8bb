"""tinygen quantize: a Keras model to a full int8 .tflite."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import DebugOption, JsonOption, Output, QuietOption


def command(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A .keras, .h5 or SavedModel.")],
    data: Annotated[Path, typer.Option("--data", metavar="D.npz", help="Real samples: x_train.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT.tflite", help="The file to write.")],
    samples: Annotated[int, typer.Option("--samples", min=1, max=100_000, help="How many samples calibrate.")] = 200,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the choice of samples.")] = 0,
    json_target: JsonOption = "",
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """A Keras model to a full int8 .tflite. Example: tinygen quantize model.keras --data data.npz -o model.tflite"""
    from ..frontend.quantize import quantize_model

    out = Output(json_target, quiet)
    with out.working("Quantizing"):
        result = quantize_model(model, data, output, samples=samples, seed=seed, progress=out.say)
    out.show(*(f"- {finding}" for finding in result.findings), f"{len(result.tflite):,} bytes in {output}")
    preprocess = result.preprocess.model_dump(mode="json") if result.preprocess else None
    out.finish(
        {
            "schema": "tinygen.quantize/1",
            "output": str(output),
            "bytes": len(result.tflite),
            "preprocess": preprocess,
            "findings": list(result.findings),
        }
    )
