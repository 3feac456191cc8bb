"""tinygen quantize: a Keras model to a quantized .tflite."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from .generate import choice
from .options import DebugOption, JsonOption, Output, QuietOption


def command(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A .keras, .h5 or SavedModel.")],
    data: Annotated[Path, typer.Option("--data", metavar="D.npz", help="Real samples: x_train.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT.tflite", help="The file to write.")],
    precision: Annotated[
        str,
        typer.Option(
            "--precision",
            metavar="P",
            help="int8; int16x8 (activations of int16); dynamic (of float, for the .tflite alone: no firmware).",
        ),
    ] = "int8",
    samples: Annotated[int, typer.Option("--samples", min=1, max=100_000, help="How many samples calibrate.")] = 200,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the choice of samples.")] = 0,
    json_target: JsonOption = "",
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """A Keras model to a quantized .tflite. Example: tinygen quantize model.keras --data data.npz -o model.tflite"""
    from ..frontend.convert import PRECISIONS, Precision
    from ..frontend.quantize import quantize_model

    out = Output(json_target, quiet)
    choice(precision, PRECISIONS, "--precision")
    with out.working("Quantizing"):
        result = quantize_model(
            model, data, output, precision=cast(Precision, precision), samples=samples, seed=seed, progress=out.say
        )  # fmt: skip
    out.show(*(f"- {finding}" for finding in result.findings), f"{len(result.tflite):,} bytes in {output}")
    preprocess = result.preprocess.model_dump(mode="json") if result.preprocess else None
    out.finish(
        {
            "schema": "tinygen.quantize/1",
            "output": str(output),
            "precision": precision,
            "bytes": len(result.tflite),
            "preprocess": preprocess,
            "findings": list(result.findings),
        }
    )
